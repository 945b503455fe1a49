-- grain: one row per order line and delivery that ships of it
-- key: sale_line.id, stock_shipment_out.id
-- meaning: how much of an order line a delivery ships; cancelled movements count nothing
SELECT
    'order_item:' || line AS source_id,
    'delivery:' || shipment AS target_id,
    'shipped by' AS qualifier,
    'shipment:' || shipment AS entity_key,
    CAST(sum(CAST(quantity AS DECIMAL(28, 6))) AS DOUBLE) AS quantity,
    min(unit) AS unit,
    sum(amount_minor)::BIGINT AS amount_minor,
    min(currency) AS currency,
    'goods movement' AS method,
    1.0 AS confidence
FROM b_goods_out
GROUP BY line, shipment
