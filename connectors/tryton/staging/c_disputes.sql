-- grain: one row per complaint
-- key: id
-- meaning: the order or invoice a complaint is about, also when it is about one of its lines
SELECT
    c.*,
    CASE
        WHEN c.origin LIKE 'sale.sale,%' THEN try_cast(split_part(c.origin, ',', 2) AS BIGINT)
        WHEN c.origin LIKE 'sale.line,%' THEN l.sale
    END AS about_order,
    CASE
        WHEN c.origin LIKE 'account.invoice,%' THEN try_cast(split_part(c.origin, ',', 2) AS BIGINT)
        WHEN c.origin LIKE 'account.invoice.line,%' THEN il.invoice
    END AS about_invoice,
    p.name AS customer_name
FROM sale_complaint AS c
LEFT JOIN sale_line AS l ON c.origin = 'sale.line,' || l.id
LEFT JOIN account_invoice_line AS il ON c.origin = 'account.invoice.line,' || il.id
LEFT JOIN party_party AS p ON p.id = c.customer
