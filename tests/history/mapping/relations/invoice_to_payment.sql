-- grain: one row per payment and invoice
-- key: allocation.payment, allocation.invoice
-- meaning: what the payment settles
SELECT 'invoice:' || i.id AS source_id, 'payment:' || p.id AS target_id, 'paid by' AS qualifier,
    'payment:' || p.id AS entity_key, CAST(a.amount * f.factor AS BIGINT) AS amount_minor, 'EUR' AS currency
FROM allocation AS a JOIN payment AS p ON p.id = a.payment JOIN invoice AS i ON i.id = a.invoice
    LEFT JOIN factor AS f ON f.code = 'EUR'
