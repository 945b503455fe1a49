-- grain: one row per account_invoice of type out
-- key: account_invoice.id
-- meaning: an invoice or credit note to a customer; due_at is the last second of the due day in the company's zone
SELECT
    'invoice:' || id AS object_id,
    'invoice' AS object_type,
    'invoice:' || id AS entity_key,
    number,
    amount_minor,
    currency_code AS currency,
    timezone(zone, due_date::TIMESTAMP + INTERVAL '23:59:59') AS due_at,
    due_date,
    kind,
    reference,
    customer_name AS customer,
    party AS customer_key,
    region,
    payment_term_name AS payment_term,
    invoice_date,
    state
FROM b_invoices
