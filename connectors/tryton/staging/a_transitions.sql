-- grain: one row per workflow step or process run that the log recorded
-- key: log_id
-- meaning: model and record of the step, the field's new value, when and by whom
SELECT
    l.id AS log_id,
    split_part(l.resource, ',', 1) AS model,
    try_cast(split_part(l.resource, ',', 2) AS BIGINT) AS record_id,
    l.event,
    l.target,
    l.create_date AS at,
    p.resource,
    p.resource_kind,
    p.team
FROM ir_model_log AS l
LEFT JOIN a_people AS p ON p.user_id = coalesce(l.user, 0)
WHERE l.resource IS NOT NULL AND l.event IN ('transition', 'wizard', 'write')
