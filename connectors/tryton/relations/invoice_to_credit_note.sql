-- grain: one row per invoice and credit note that takes some of it back
-- key: account_invoice.id, account_invoice.id of the credit note
-- meaning: by the origin of the credit note's lines, else by the complaint that led to it
WITH by_line AS (
    SELECT own.invoice, i.id AS credit_note, 'invoice line origin' AS method
    FROM account_invoice_line AS il
    JOIN b_invoices AS i ON i.id = il.invoice AND i.kind = 'credit_note'
    JOIN account_invoice_line AS own ON il.origin = 'account.invoice.line,' || own.id
), by_complaint AS (
    SELECT d.about_invoice AS invoice, i.id AS credit_note, 'complaint' AS method
    FROM sale_complaint_action AS a
    JOIN c_disputes AS d ON d.id = a.complaint
    JOIN b_invoices AS i ON i.kind = 'credit_note' AND a.result = 'account.invoice,' || i.id
)
SELECT
    'invoice:' || u.invoice AS source_id, 'invoice:' || u.credit_note AS target_id, 'credited by' AS qualifier,
    'invoice:' || u.credit_note AS entity_key, -i.amount_minor AS amount_minor, i.currency_code AS currency,
    max(u.method) AS method, 1.0 AS confidence
FROM (SELECT * FROM by_line UNION ALL SELECT * FROM by_complaint) AS u
JOIN b_invoices AS i ON i.id = u.credit_note
JOIN b_invoices AS o ON o.id = u.invoice
GROUP BY u.invoice, u.credit_note, i.amount_minor, i.currency_code
