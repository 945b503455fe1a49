-- grain: one row per line of an order that exists
-- key: sale_line.id
-- meaning: a line; it carries its order's state
SELECT 'item:' || l.id AS object_id, 'order_item' AS object_type, 'item:' || l.id AS entity_key,
    CAST(l.id AS VARCHAR) AS number, s.state, CAST(l.amount * f.factor AS BIGINT) AS amount_minor, 'EUR' AS currency
FROM sale_line AS l JOIN sale AS s ON s.id = l.sale LEFT JOIN factor AS f ON f.code = 'EUR'
