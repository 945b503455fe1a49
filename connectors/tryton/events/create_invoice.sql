-- activity: Create Invoice
-- grain: one row per invoice to a customer, credit notes left out
-- key: account_invoice.id
-- meaning: the ERP drafted an invoice, when goods left or an order was processed; credit notes have an activity of their own
-- time: account_invoice.create_date
-- reversal: a deleted draft leaves the log again
-- objects: the invoice
SELECT
    'Create Invoice' AS activity,
    i.create_date AS time,
    60 AS source_seq,
    p.resource,
    p.resource_kind,
    p.team,
    'account_invoice' AS source_table,
    CAST(i.id AS VARCHAR) AS source_key,
    'invoice:' || i.id AS entity_key,
    [{'object_id': 'invoice:' || i.id, 'qualifier': 'invoice'}] AS objects
FROM b_invoices AS i
LEFT JOIN a_people AS p ON p.user_id = coalesce(i.create_uid, 0)
WHERE i.kind = 'invoice'
