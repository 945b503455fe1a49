-- activity: Change Order
-- grain: one row per order and transaction that wrote to it or its lines
-- key: ir_model_log.id of the first write
-- meaning: somebody changed an order after it had been quoted; building a draft is not a change
-- time: ir_model_log.create_date of the write
-- reversal: none; changing back is a second change
-- objects: the order
WITH writes AS (
    SELECT t.*, t.record_id AS sale FROM a_transitions AS t WHERE t.event = 'write' AND t.model = 'sale.sale'
    UNION ALL
    SELECT t.*, l.sale FROM a_transitions AS t JOIN sale_line AS l ON l.id = t.record_id
    WHERE t.event = 'write' AND t.model = 'sale.line'
), quoted AS (
    SELECT record_id AS sale, min(log_id) AS log_id FROM a_transitions
    WHERE model = 'sale.sale' AND event = 'transition' AND target = 'state:quotation' GROUP BY record_id
)
SELECT
    'Change Order' AS activity,
    w.at AS time,
    25 AS source_seq,
    min(w.resource) AS resource,
    min(w.resource_kind) AS resource_kind,
    min(w.team) AS team,
    array_to_string(list_sort(list(DISTINCT w.target)), ',') AS new_value,
    'ir_model_log' AS source_table,
    CAST(min(w.log_id) AS VARCHAR) AS source_key,
    'order:' || w.sale AS entity_key,
    [{'object_id': 'order:' || w.sale, 'qualifier': 'order'}] AS objects
FROM writes AS w
JOIN b_orders AS s ON s.id = w.sale
JOIN quoted AS q ON q.sale = w.sale AND q.log_id < w.log_id
GROUP BY w.sale, w.at
