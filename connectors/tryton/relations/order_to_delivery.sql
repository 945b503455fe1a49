-- grain: one row per order and delivery that ships of it
-- key: sale_sale.id, stock_shipment_out.id
-- meaning: which deliveries an order led to
SELECT
    'order:' || sale AS source_id,
    'delivery:' || shipment AS target_id,
    'shipped by' AS qualifier,
    'shipment:' || shipment AS entity_key,
    sum(amount_minor)::BIGINT AS amount_minor,
    min(currency) AS currency,
    'goods movement' AS method,
    1.0 AS confidence
FROM b_goods_out
GROUP BY sale, shipment
