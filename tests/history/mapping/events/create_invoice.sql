-- activity: Create Invoice
-- grain: one row per invoice
-- key: invoice.id
-- meaning: it was entered
-- time: invoice.created_at
-- reversal: none
-- objects: the invoice and the items it bills
SELECT 'Create Invoice' AS activity, i.created_at AS time, 'invoice' AS source_table, CAST(i.id AS VARCHAR) AS source_key,
    'invoice:' || i.id AS entity_key, 4 AS source_seq,
    list_prepend({'object_id': 'invoice:' || i.id, 'qualifier': 'invoice'},
        coalesce(list({'object_id': 'item:' || l.id, 'qualifier': 'item'}) FILTER (WHERE s.id IS NOT NULL), [])) AS objects
FROM invoice AS i LEFT JOIN sale_line AS l ON l.invoice = i.id LEFT JOIN sale AS s ON s.id = l.sale
GROUP BY i.id, i.created_at
