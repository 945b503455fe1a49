-- grain: one row per billed line
-- key: sale_line.id
-- meaning: which invoice bills the line
SELECT 'item:' || l.id AS source_id, 'invoice:' || i.id AS target_id, 'billed by' AS qualifier,
    'item:' || l.id AS entity_key, CAST(l.amount * f.factor AS BIGINT) AS amount_minor, 'EUR' AS currency
FROM sale_line AS l JOIN sale AS s ON s.id = l.sale JOIN invoice AS i ON i.id = l.invoice LEFT JOIN factor AS f ON f.code = 'EUR'
