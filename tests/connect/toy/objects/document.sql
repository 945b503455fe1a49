-- grain: one row per document
-- key: document.id
-- meaning: a document with the sum of its lines
SELECT 'document:' || d.id AS object_id, 'document' AS object_type, 'document:' || d.id AS entity_key,
    CAST(d.id AS VARCHAR) AS number, d.state, d.note,
    CAST(sum(l.amount) * max(u.factor) AS BIGINT) AS amount_minor
FROM document AS d LEFT JOIN line AS l ON l.document = d.id LEFT JOIN unit AS u ON u.code = 'EUR'
GROUP BY d.id, d.state, d.note
