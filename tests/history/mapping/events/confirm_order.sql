-- activity: Confirm Order
-- grain: one row per confirmed order
-- key: sale.id
-- meaning: the customer has our word
-- time: sale.confirmed_at
-- reversal: taking it back removes the event
-- objects: the order
SELECT 'Confirm Order' AS activity, confirmed_at AS time, 'sale' AS source_table, CAST(id AS VARCHAR) AS source_key,
    'order:' || id AS entity_key, 2 AS source_seq, [{'object_id': 'order:' || id, 'qualifier': 'order'}] AS objects
FROM sale WHERE confirmed_at IS NOT NULL
