-- activity: Post Invoice
-- grain: one row per posted invoice
-- key: account_invoice.id
-- meaning: the invoice got its number, was booked and can be sent
-- time: account_invoice.numbered_at (module account_invoice_history), else account_move.create_date of the posting; posting is not in ir_model_log, and invoice_date may be back-dated
-- reversal: a cancelled document keeps this event and gets Cancel Invoice
-- objects: the document
SELECT
    'Post Invoice' AS activity,
    i.posted_at AS time,
    70 AS source_seq,
    p.resource,
    p.resource_kind,
    p.team,
    'account_invoice' AS source_table,
    CAST(i.id AS VARCHAR) AS source_key,
    'invoice:' || i.id AS entity_key,
    [{'object_id': 'invoice:' || i.id, 'qualifier': 'invoice'}] AS objects
FROM b_invoices AS i
LEFT JOIN a_people AS p ON p.user_id = coalesce(i.posted_by_user, 0)
WHERE i.kind = 'invoice' AND i.posted_at IS NOT NULL
