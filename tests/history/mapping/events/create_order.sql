-- activity: Create Order
-- grain: one row per order
-- key: sale.id
-- meaning: it was entered
-- time: sale.created_at
-- reversal: none
-- objects: the order and its items
SELECT 'Create Order' AS activity, s.created_at AS time, 'sale' AS source_table, CAST(s.id AS VARCHAR) AS source_key,
    'order:' || s.id AS entity_key, 1 AS source_seq,
    list_prepend({'object_id': 'order:' || s.id, 'qualifier': 'order'},
        coalesce(list({'object_id': 'item:' || l.id, 'qualifier': 'item'}) FILTER (WHERE l.id IS NOT NULL), [])) AS objects
FROM sale AS s LEFT JOIN sale_line AS l ON l.sale = s.id
GROUP BY s.id, s.created_at
