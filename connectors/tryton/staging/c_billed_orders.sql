-- grain: one row per order line and invoice that bills it
-- key: line, invoice
-- meaning: billed quantity and value of the order line on that invoice
SELECT
    l.id AS line,
    l.sale,
    i.id AS invoice,
    CAST(sum(CAST(il.quantity AS DECIMAL(28, 6))) AS DOUBLE) AS quantity,
    min(u.name) AS unit,
    CAST(round(sum(CAST(il.quantity AS DECIMAL(18, 6)) * CAST(il.unit_price AS DECIMAL(18, 4))) * min(c.factor)) AS BIGINT)
        AS amount_minor,
    min(i.currency_code) AS currency
FROM account_invoice_line AS il
JOIN sale_line AS l ON il.origin = 'sale.line,' || l.id
JOIN b_invoices AS i ON i.id = il.invoice
LEFT JOIN a_currencies AS c ON c.id = i.currency
LEFT JOIN product_uom AS u ON u.id = il.unit
GROUP BY ALL
