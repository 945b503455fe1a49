-- grain: one row per order
-- key: id
-- meaning: the order with its customer's region, names instead of ids, and its value with tax in minor units
WITH lines AS (
    SELECT sale, sum(CAST(quantity AS DECIMAL(28, 10)) * CAST(unit_price AS DECIMAL(9, 4))) AS net
    FROM sale_line WHERE type = 'line' GROUP BY sale
)
SELECT
    s.*,
    c.code AS currency_code,
    CAST(round(CAST(coalesce(s.total_amount_cache, l.net) AS DECIMAL(28, 10)) * c.factor) AS BIGINT) AS amount_minor,
    p.name AS customer_name,
    r.region,
    t.name AS payment_term_name,
    w.name AS warehouse_name
FROM sale_sale AS s
LEFT JOIN lines AS l ON l.sale = s.id
LEFT JOIN a_currencies AS c ON c.id = s.currency
LEFT JOIN party_party AS p ON p.id = s.party
LEFT JOIN a_regions AS r ON r.party = s.party
LEFT JOIN account_invoice_payment_term AS t ON t.id = s.payment_term
LEFT JOIN stock_location AS w ON w.id = s.warehouse
