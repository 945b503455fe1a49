-- grain: one row per order and invoice that bills it
-- key: sale_sale.id, account_invoice.id
-- meaning: which invoices an order led to; a collective invoice has several orders
SELECT
    'order:' || sale AS source_id, 'invoice:' || invoice AS target_id, 'billed by' AS qualifier,
    'invoice:' || invoice AS entity_key, sum(amount_minor)::BIGINT AS amount_minor, min(currency) AS currency,
    'invoice line origin' AS method, 1.0 AS confidence
FROM c_billed_orders
GROUP BY sale, invoice
