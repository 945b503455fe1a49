-- grain: one row per order line and invoice that bills it
-- key: sale_line.id, account_invoice.id
-- meaning: how much of an order line an invoice bills
SELECT
    'order_item:' || line AS source_id, 'invoice:' || invoice AS target_id, 'billed by' AS qualifier,
    'invoice:' || invoice AS entity_key, quantity, unit, amount_minor, currency,
    'invoice line origin' AS method, 1.0 AS confidence
FROM c_billed_orders
