-- grain: one row per invoice and payment applied to it
-- key: account_invoice.id, account_move_line.id
-- meaning: what of the invoice the payment settles
SELECT
    'invoice:' || invoice AS source_id, 'payment:' || line AS target_id, 'settled by' AS qualifier,
    'payment:' || line AS entity_key, settled_minor AS amount_minor, currency,
    CASE WHEN source_table = 'account_move_line' THEN 'settled together' ELSE 'applied' END AS method, 1.0 AS confidence
FROM c_payments
