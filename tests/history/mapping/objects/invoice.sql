-- grain: one row per invoice
-- key: invoice.id
-- meaning: an invoice with the sum of the lines it bills
SELECT 'invoice:' || i.id AS object_id, 'invoice' AS object_type, 'invoice:' || i.id AS entity_key,
    CAST(i.id AS VARCHAR) AS number, CAST(i.due_on AS TIMESTAMPTZ) AS due_at,
    CAST(sum(l.amount) * max(f.factor) AS BIGINT) AS amount_minor, 'EUR' AS currency
FROM invoice AS i LEFT JOIN sale_line AS l ON l.invoice = i.id LEFT JOIN factor AS f ON f.code = 'EUR'
GROUP BY i.id, i.due_on
