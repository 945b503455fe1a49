-- grain: one row per posting line that pays customer invoices
-- key: account_move_line.id
-- meaning: money applied to invoices
SELECT
    'payment:' || line AS object_id,
    'payment' AS object_type,
    'payment:' || line AS entity_key,
    min(number) AS number,
    min(amount_minor) AS amount_minor,
    min(currency) AS currency,
    min(posting_date) AS posting_date,
    min(party) AS customer_key
FROM c_payments
GROUP BY line
