-- grain: one row per line of a document that exists
-- key: line.id
-- meaning: a line; it carries its document's state
SELECT 'line:' || l.id AS object_id, 'line' AS object_type, 'line:' || l.id AS entity_key, d.state
FROM line AS l JOIN document AS d ON d.id = l.document
