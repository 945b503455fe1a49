-- grain: one row per currency
-- key: id
-- meaning: ISO code and how many minor units one unit has
SELECT id, code, CAST('1' || repeat('0', coalesce(digits, 2)::INTEGER) AS DECIMAL(9, 0)) AS factor
FROM currency_currency
