-- activity: Finish Document
-- grain: one row per finished document
-- key: document.id
-- meaning: it was done
-- time: document.done_at
-- reversal: reopening removes the event
-- objects: the document
SELECT 'Finish Document' AS activity, done_at AS time, 'document' AS source_table, CAST(id AS VARCHAR) AS source_key,
    'document:' || id AS entity_key, [{'object_id': 'document:' || id, 'qualifier': 'document'}] AS objects
FROM document WHERE state = 'done'
