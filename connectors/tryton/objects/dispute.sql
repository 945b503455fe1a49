-- grain: one row per sale_complaint
-- key: sale_complaint.id
-- meaning: a customer's complaint
SELECT
    'dispute:' || id AS object_id,
    'dispute' AS object_type,
    'dispute:' || id AS entity_key,
    number,
    reference,
    customer_name AS customer,
    customer AS customer_key,
    state
FROM c_disputes
