-- grain: one row per delivery and invoice
-- key: stock_shipment_out.id, account_invoice.id
-- meaning: which invoice bills a delivery; where the order was billed as a whole, through the order line both came from.
--   Credit notes keep the links of the goods they take back and are left out
WITH billed AS (
    SELECT g.shipment, i.id AS invoice, sum(g.amount_minor)::BIGINT AS amount_minor, min(g.currency) AS currency
    FROM "account_invoice_line-stock_move" AS r
    JOIN account_invoice_line AS il ON il.id = r.invoice_line
    JOIN b_invoices AS i ON i.id = il.invoice AND i.kind = 'invoice'
    JOIN b_goods_out AS g ON g.move = r.stock_move
    GROUP BY g.shipment, i.id
), by_line AS (
    SELECT DISTINCT g.shipment, b.invoice
    FROM c_billed_orders AS b
    JOIN b_goods_out AS g ON g.line = b.line
    JOIN sale_sale AS s ON s.id = b.sale
    JOIN b_invoices AS i ON i.id = b.invoice AND i.kind = 'invoice'
    WHERE s.invoice_method = 'order'
)
SELECT 'delivery:' || shipment AS source_id, 'invoice:' || invoice AS target_id, 'billed by' AS qualifier,
    'invoice:' || invoice AS entity_key, amount_minor, currency, 'goods movement' AS method, 1.0 AS confidence
FROM billed
UNION ALL
SELECT 'delivery:' || shipment, 'invoice:' || invoice, 'billed by', 'invoice:' || invoice, NULL, NULL,
    'common order line', 1.0
FROM by_line ANTI JOIN billed USING (shipment, invoice)
