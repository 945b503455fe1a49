-- activity: Cancel Order
-- grain: one row per cancelled order
-- key: sale.id
-- meaning: it will not be delivered
-- time: sale.cancelled_at
-- reversal: none
-- objects: the order
SELECT 'Cancel Order' AS activity, cancelled_at AS time, 'sale' AS source_table, CAST(id AS VARCHAR) AS source_key,
    'order:' || id AS entity_key, 3 AS source_seq, [{'object_id': 'order:' || id, 'qualifier': 'order'}] AS objects
FROM sale WHERE state = 'cancelled'
