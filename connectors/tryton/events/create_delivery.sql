-- activity: Create Delivery
-- grain: one row per delivery
-- key: stock_shipment_out.id
-- meaning: the ERP planned a delivery; inside a transaction it follows the goods issue that left a rest, or the payment of a prepaid order
-- time: stock_shipment_out.create_date
-- reversal: a deleted draft leaves the log again
-- objects: the delivery
WITH causes AS (
    SELECT DISTINCT g.shipment, h.create_date AS at,
        max(CASE WHEN s.shipment_method = 'invoice' THEN 90
            WHEN t.log_id IS NOT NULL THEN 55 ELSE 38 END) OVER (PARTITION BY g.shipment) AS rank
    FROM b_goods_out AS g
    JOIN stock_shipment_out AS h ON h.id = g.shipment
    JOIN sale_sale AS s ON s.id = g.sale
    JOIN b_goods_out AS other ON other.sale = g.sale
    LEFT JOIN a_transitions AS t
        ON t.model = 'stock.shipment.out' AND t.target = 'state:done' AND t.record_id = other.shipment
        AND other.shipment <> g.shipment AND t.at = h.create_date
)
SELECT
    'Create Delivery' AS activity,
    h.create_date AS time,
    coalesce(c.rank, 38) AS source_seq,
    p.resource,
    p.resource_kind,
    p.team,
    'stock_shipment_out' AS source_table,
    CAST(h.id AS VARCHAR) AS source_key,
    'shipment:' || h.id AS entity_key,
    [{'object_id': 'delivery:' || h.id, 'qualifier': 'delivery'}] AS objects
FROM stock_shipment_out AS h
LEFT JOIN (SELECT shipment, max(rank) AS rank FROM causes GROUP BY shipment) AS c ON c.shipment = h.id
LEFT JOIN a_people AS p ON p.user_id = coalesce(h.create_uid, 0)
