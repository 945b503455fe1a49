-- grain: one row per reminder
-- key: account_dunning.id
-- meaning: which invoice is reminded of
SELECT 'invoice:' || invoice AS source_id, 'dunning:' || id AS target_id, 'reminded by' AS qualifier,
    'dunning:' || id AS entity_key
FROM c_dunnings
