-- activity: Resolve Dispute
-- grain: one row per step of sale.complaint to done
-- key: ir_model_log.id
-- meaning: everything the complaint asked for was made
-- time: ir_model_log.create_date, the start of the transaction, because the record itself keeps no time of the step
-- reversal: none
-- objects: the dispute
SELECT
    'Resolve Dispute' AS activity,
    t.at AS time,
    95 AS source_seq,
    t.resource,
    t.resource_kind,
    t.team,
    'ir_model_log' AS source_table,
    CAST(t.log_id AS VARCHAR) AS source_key,
    'dispute:' || t.record_id AS entity_key,
    [{'object_id': 'dispute:' || t.record_id, 'qualifier': 'dispute'}] AS objects
FROM a_transitions AS t
JOIN c_disputes AS d ON d.id = t.record_id
WHERE t.model = 'sale.complaint' AND t.event = 'transition' AND t.target = 'state:done'
