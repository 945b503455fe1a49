-- grain: one row per order line that is an article or text line, headings left out
-- key: sale_line.id
-- meaning: what was ordered, with its net value
SELECT
    'order_item:' || l.id AS object_id,
    'order_item' AS object_type,
    'order:' || l.sale AS entity_key,
    s.number || '/' || l.id AS number,
    CAST(round(CAST(l.quantity AS DECIMAL(18, 6)) * CAST(l.unit_price AS DECIMAL(18, 4)) * c.factor) AS BIGINT) AS amount_minor,
    c.code AS currency,
    l.quantity,
    u.name AS unit,
    l.product AS product_key
FROM sale_line AS l
JOIN sale_sale AS s ON s.id = l.sale
LEFT JOIN a_currencies AS c ON c.id = s.currency
LEFT JOIN product_uom AS u ON u.id = l.unit
WHERE l.type = 'line'
