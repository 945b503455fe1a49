-- activity: Post Invoice
-- grain: one row per posted invoice
-- key: invoice.id
-- meaning: it is in the books
-- time: invoice.posted_at
-- reversal: none
-- objects: the invoice
SELECT 'Post Invoice' AS activity, posted_at AS time, 'invoice' AS source_table, CAST(id AS VARCHAR) AS source_key,
    'invoice:' || id AS entity_key, 5 AS source_seq, [{'object_id': 'invoice:' || id, 'qualifier': 'invoice'}] AS objects
FROM invoice WHERE posted_at IS NOT NULL
