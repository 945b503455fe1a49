-- activity: Post Goods Issue
-- grain: one row per step of stock.shipment.out to done
-- key: ir_model_log.id
-- meaning: the goods left the warehouse and the stock was booked; effective_date is only a date and may be edited
-- time: ir_model_log.create_date, the start of the transaction, because the record itself keeps no time of the step
-- reversal: none; goods come back with a return, which is an order of its own
-- objects: the delivery
SELECT
    'Post Goods Issue' AS activity,
    t.at AS time,
    50 AS source_seq,
    t.resource,
    t.resource_kind,
    t.team,
    'ir_model_log' AS source_table,
    CAST(t.log_id AS VARCHAR) AS source_key,
    'shipment:' || t.record_id AS entity_key,
    [{'object_id': 'delivery:' || t.record_id, 'qualifier': 'delivery'}] AS objects
FROM a_transitions AS t
JOIN stock_shipment_out AS d ON d.id = t.record_id
WHERE t.model = 'stock.shipment.out' AND t.event = 'transition' AND t.target = 'state:done'
