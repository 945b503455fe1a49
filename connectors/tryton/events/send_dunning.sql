-- activity: Send Dunning
-- grain: one row per run that processed the reminder
-- key: ir_model_log.id
-- meaning: the reminder was sent; once for each level reached, the level itself is overwritten and so not known
-- time: ir_model_log.create_date of the run
-- reversal: none
-- objects: the reminder
SELECT
    'Send Dunning' AS activity,
    t.at AS time,
    88 AS source_seq,
    t.resource,
    t.resource_kind,
    t.team,
    'ir_model_log' AS source_table,
    CAST(t.log_id AS VARCHAR) AS source_key,
    'dunning:' || d.id AS entity_key,
    [{'object_id': 'dunning:' || d.id, 'qualifier': 'dunning'}] AS objects
FROM a_transitions AS t
JOIN c_dunnings AS d ON d.id = t.record_id
WHERE t.model = 'account.dunning' AND t.event = 'wizard' AND t.target = 'account.dunning.process:process'
