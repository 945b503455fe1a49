-- activity: Submit Quotation
-- grain: one row per step of sale.sale to quotation
-- key: ir_model_log.id
-- meaning: the order was sent to the customer as a quotation
-- time: ir_model_log.create_date, the start of the transaction, because the record itself keeps no time of the step
-- reversal: going back to draft is no event; a second quotation is a second event
-- objects: the order
SELECT
    'Submit Quotation' AS activity,
    t.at AS time,
    20 AS source_seq,
    t.resource,
    t.resource_kind,
    t.team,
    'ir_model_log' AS source_table,
    CAST(t.log_id AS VARCHAR) AS source_key,
    'order:' || t.record_id AS entity_key,
    [{'object_id': 'order:' || t.record_id, 'qualifier': 'order'}] AS objects
FROM a_transitions AS t
JOIN b_orders AS d ON d.id = t.record_id
WHERE t.model = 'sale.sale' AND t.event = 'transition' AND t.target = 'state:quotation'
