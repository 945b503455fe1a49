-- activity: Create Document
-- grain: one row per document
-- key: document.id
-- meaning: it was entered
-- time: document.created_at
-- reversal: none
-- objects: the document and its lines
SELECT 'Create Document' AS activity, d.created_at AS time, 'document' AS source_table, CAST(d.id AS VARCHAR) AS source_key,
    'document:' || d.id AS entity_key,
    list_prepend({'object_id': 'document:' || d.id, 'qualifier': 'document'},
        coalesce(list({'object_id': 'line:' || l.id, 'qualifier': 'line'}) FILTER (WHERE l.id IS NOT NULL), [])) AS objects
FROM document AS d LEFT JOIN line AS l ON l.document = d.id
GROUP BY d.id, d.created_at
