-- grain: one row per order
-- key: sale.id
-- meaning: an order with the sum of its lines
SELECT 'order:' || s.id AS object_id, 'order' AS object_type, 'order:' || s.id AS entity_key,
    CAST(s.id AS VARCHAR) AS number, s.state, s.note,
    CAST(sum(l.amount) * max(f.factor) AS BIGINT) AS amount_minor, 'EUR' AS currency
FROM sale AS s LEFT JOIN sale_line AS l ON l.sale = s.id LEFT JOIN factor AS f ON f.code = 'EUR'
GROUP BY s.id, s.state, s.note
