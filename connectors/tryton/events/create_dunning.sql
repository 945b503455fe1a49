-- activity: Create Dunning
-- grain: one row per reminder
-- key: account_dunning.id
-- meaning: a reminder was made for an overdue line; a higher level later changes the same row and is no second creation
-- time: account_dunning.create_date
-- reversal: a deleted reminder leaves the log again
-- objects: the reminder
SELECT
    'Create Dunning' AS activity,
    d.create_date AS time,
    86 AS source_seq,
    p.resource,
    p.resource_kind,
    p.team,
    'account_dunning' AS source_table,
    CAST(d.id AS VARCHAR) AS source_key,
    'dunning:' || d.id AS entity_key,
    [{'object_id': 'dunning:' || d.id, 'qualifier': 'dunning'}] AS objects
FROM c_dunnings AS d
LEFT JOIN a_people AS p ON p.user_id = coalesce(d.create_uid, 0)
