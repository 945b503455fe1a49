-- grain: one row per order line
-- key: sale_line.id
-- meaning: what an order consists of
SELECT 'order:' || l.sale AS source_id, 'order_item:' || l.id AS target_id, 'has item' AS qualifier,
    'order:' || l.sale AS entity_key
FROM sale_line AS l JOIN sale_sale AS s ON s.id = l.sale
WHERE l.type = 'line'
