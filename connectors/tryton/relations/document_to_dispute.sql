-- grain: one row per complaint
-- key: sale_complaint.id
-- meaning: which order or invoice a complaint is about
SELECT 'order:' || about_order AS source_id, 'dispute:' || id AS target_id, 'disputed by' AS qualifier,
    'dispute:' || id AS entity_key
FROM c_disputes WHERE about_order IN (SELECT id FROM sale_sale)
UNION ALL
SELECT 'invoice:' || about_invoice, 'dispute:' || id, 'disputed by', 'dispute:' || id
FROM c_disputes WHERE about_invoice IN (SELECT id FROM b_invoices)
