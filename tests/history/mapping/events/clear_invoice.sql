-- activity: Clear Invoice
-- grain: one row per paid invoice
-- key: invoice.id
-- meaning: nothing is left to pay
-- time: invoice.paid_at
-- reversal: opening it again removes the event
-- objects: the invoice
SELECT 'Clear Invoice' AS activity, paid_at AS time, 'invoice' AS source_table, CAST(id AS VARCHAR) AS source_key,
    'invoice:' || id AS entity_key, 7 AS source_seq, [{'object_id': 'invoice:' || id, 'qualifier': 'invoice'}] AS objects
FROM invoice WHERE paid_at IS NOT NULL
