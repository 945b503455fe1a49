-- grain: one row per goods movement to a customer on a delivery
-- key: move
-- meaning: order line, order and delivery of the movement; a cancelled movement ships nothing
SELECT
    m.id AS move,
    l.id AS line,
    l.sale,
    try_cast(split_part(m.shipment, ',', 2) AS BIGINT) AS shipment,
    CASE WHEN m.state = 'cancelled' THEN 0.0 ELSE m.quantity END AS quantity,
    u.name AS unit,
    CAST(round(
        CASE WHEN m.state = 'cancelled' THEN 0 ELSE CAST(m.quantity AS DECIMAL(18, 6)) END
        * CAST(l.unit_price AS DECIMAL(18, 4)) * c.factor
    ) AS BIGINT) AS amount_minor,
    c.code AS currency
FROM stock_move AS m
JOIN sale_line AS l ON m.origin = 'sale.line,' || l.id
JOIN sale_sale AS s ON s.id = l.sale
JOIN stock_shipment_out AS h ON m.shipment = 'stock.shipment.out,' || h.id
LEFT JOIN a_currencies AS c ON c.id = s.currency
LEFT JOIN product_uom AS u ON u.id = m.unit
