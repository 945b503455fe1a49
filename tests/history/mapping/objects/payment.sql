-- grain: one row per payment
-- key: payment.id
-- meaning: money received
SELECT 'payment:' || id AS object_id, 'payment' AS object_type, 'payment:' || id AS entity_key,
    CAST(id AS VARCHAR) AS number
FROM payment
