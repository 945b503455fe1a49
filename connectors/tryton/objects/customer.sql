-- grain: one row per party that ordered or was billed
-- key: party_party.id
-- meaning: a customer, with region and bank accounts
WITH accounts AS (
    SELECT o.owner, array_to_string(list_sort(list(DISTINCT upper(replace(n.number, ' ', '')))), ' ') AS ibans
    FROM "bank_account-party_party" AS o
    JOIN bank_account_number AS n ON n.account = o.account AND n.type = 'iban'
    GROUP BY o.owner
), customers AS (
    SELECT party FROM sale_sale UNION SELECT party FROM b_invoices
)
SELECT
    'customer:' || p.id AS object_id,
    'customer' AS object_type,
    'customer:' || p.id AS entity_key,
    p.code AS number,
    p.name AS name,
    r.region,
    a.ibans
FROM party_party AS p
JOIN customers AS c ON c.party = p.id
LEFT JOIN a_regions AS r ON r.party = p.id
LEFT JOIN accounts AS a ON a.owner = p.id
