-- grain: one row per order, field and moment
-- key: change_log.sale, change_log.field, change_log.at
-- meaning: what was changed by hand; of two changes in one moment the later entry
SELECT 'order:' || s.id AS object_id, c.field, c.at AS time, arg_max(c.value, c.id) AS new_value,
    'order:' || s.id AS entity_key
FROM change_log AS c JOIN sale AS s ON s.id = c.sale
GROUP BY s.id, c.field, c.at
