-- grain: one row per sale_sale
-- key: sale_sale.id
-- meaning: a customer's order; kind says whether it is a return made from a complaint
SELECT
    'order:' || id AS object_id,
    'order' AS object_type,
    'order:' || id AS entity_key,
    number,
    amount_minor,
    currency_code AS currency,
    reference,
    customer_name AS customer,
    party AS customer_key,
    region,
    payment_term_name AS payment_term,
    invoice_method,
    shipment_method,
    shipment_method = 'invoice' AS agreed_prepayment,
    warehouse_name AS warehouse,
    shipping_date AS requested_date,
    CASE WHEN origin LIKE 'sale.complaint,%' THEN 'return' ELSE 'order' END AS kind,
    state
FROM b_orders
