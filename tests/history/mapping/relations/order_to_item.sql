-- grain: one row per line
-- key: sale_line.id
-- meaning: what an order consists of
SELECT 'order:' || l.sale AS source_id, 'item:' || l.id AS target_id, 'has' AS qualifier, 'item:' || l.id AS entity_key
FROM sale_line AS l JOIN sale AS s ON s.id = l.sale
