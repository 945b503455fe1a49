-- grain: one row per login
-- key: user_id
-- meaning: who did it: login, team and kind by the source's options; user 0 is the server itself
SELECT
    u.id AS user_id,
    CASE WHEN u.id = 0 THEN 'background' ELSE u.login END AS resource,
    CASE WHEN u.id = 0 OR r.is_technical THEN 'technical' ELSE 'human' END AS resource_kind,
    r.team
FROM (SELECT id, login FROM res_user UNION ALL SELECT 0, 'root' WHERE NOT EXISTS (SELECT 1 FROM res_user WHERE id = 0)) AS u
LEFT JOIN user_roles AS r ON r.login = u.login
