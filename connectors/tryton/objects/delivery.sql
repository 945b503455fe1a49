-- grain: one row per stock_shipment_out
-- key: stock_shipment_out.id
-- meaning: a delivery to a customer, valued at the net price of the goods on it
WITH goods AS (
    SELECT shipment, sum(amount_minor)::BIGINT AS amount_minor, min(currency) AS currency
    FROM b_goods_out GROUP BY shipment
)
SELECT
    'delivery:' || h.id AS object_id,
    'delivery' AS object_type,
    'shipment:' || h.id AS entity_key,
    h.number,
    g.amount_minor,
    g.currency,
    p.name AS customer,
    h.customer AS customer_key,
    r.region,
    w.name AS warehouse,
    h.planned_date,
    h.state
FROM stock_shipment_out AS h
LEFT JOIN goods AS g ON g.shipment = h.id
LEFT JOIN party_party AS p ON p.id = h.customer
LEFT JOIN a_regions AS r ON r.party = h.customer
LEFT JOIN stock_location AS w ON w.id = h.warehouse
