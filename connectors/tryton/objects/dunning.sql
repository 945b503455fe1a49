-- grain: one row per account_dunning of a customer invoice
-- key: account_dunning.id
-- meaning: a reminder; its level is the one reached by now
SELECT
    'dunning:' || d.id AS object_id,
    'dunning' AS object_type,
    'dunning:' || d.id AS entity_key,
    coalesce(i.number, CAST(i.id AS VARCHAR)) || '/D' || d.id AS number,
    d.state
FROM c_dunnings AS d
JOIN b_invoices AS i ON i.id = d.invoice
