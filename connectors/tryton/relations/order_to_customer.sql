-- grain: one row per order
-- key: sale_sale.id
-- meaning: who ordered
SELECT 'order:' || id AS source_id, 'customer:' || party AS target_id, 'customer' AS qualifier, 'order:' || id AS entity_key
FROM b_orders WHERE party IS NOT NULL
