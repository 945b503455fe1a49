-- grain: one row per line
-- key: line.id
-- meaning: what a document consists of
SELECT 'document:' || l.document AS source_id, 'line:' || l.id AS target_id, 'has' AS qualifier,
    'line:' || l.id AS entity_key
FROM line AS l JOIN document AS d ON d.id = l.document
