-- activity: Create Order
-- grain: one row per order
-- key: sale_sale.id
-- meaning: an order was entered, as a draft
-- time: sale_sale.create_date, the start of the transaction that entered it; sale_date is only a date and may be edited
-- reversal: a deleted draft leaves the log again
-- objects: the order
SELECT
    'Create Order' AS activity,
    s.create_date AS time,
    10 AS source_seq,
    p.resource,
    p.resource_kind,
    p.team,
    'sale_sale' AS source_table,
    CAST(s.id AS VARCHAR) AS source_key,
    'order:' || s.id AS entity_key,
    [{'object_id': 'order:' || s.id, 'qualifier': 'order'}] AS objects
FROM b_orders AS s
LEFT JOIN a_people AS p ON p.user_id = coalesce(s.create_uid, 0)
