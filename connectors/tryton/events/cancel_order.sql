-- activity: Cancel Order
-- grain: one row per step of sale.sale to cancelled
-- key: ir_model_log.id
-- meaning: the order or quotation was given up
-- time: ir_model_log.create_date, the start of the transaction, because the record itself keeps no time of the step
-- reversal: a cancelled order set back to draft keeps this event
-- objects: the order
SELECT
    'Cancel Order' AS activity,
    t.at AS time,
    35 AS source_seq,
    t.resource,
    t.resource_kind,
    t.team,
    'ir_model_log' AS source_table,
    CAST(t.log_id AS VARCHAR) AS source_key,
    'order:' || t.record_id AS entity_key,
    [{'object_id': 'order:' || t.record_id, 'qualifier': 'order'}] AS objects
FROM a_transitions AS t
JOIN b_orders AS d ON d.id = t.record_id
WHERE t.model = 'sale.sale' AND t.event = 'transition' AND t.target = 'state:cancelled'
