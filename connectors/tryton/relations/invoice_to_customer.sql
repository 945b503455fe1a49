-- grain: one row per invoice
-- key: account_invoice.id
-- meaning: who was billed
SELECT 'invoice:' || id AS source_id, 'customer:' || party AS target_id, 'customer' AS qualifier, 'invoice:' || id AS entity_key
FROM b_invoices WHERE party IS NOT NULL
