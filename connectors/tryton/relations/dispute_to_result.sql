-- grain: one row per complaint and document made to settle it
-- key: sale_complaint_action.result
-- meaning: the credit note or the return that a complaint led to
SELECT DISTINCT 'dispute:' || a.complaint AS source_id, 'invoice:' || i.id AS target_id, 'settled by' AS qualifier,
    'dispute:' || a.complaint AS entity_key
FROM sale_complaint_action AS a JOIN b_invoices AS i ON a.result = 'account.invoice,' || i.id
UNION
SELECT DISTINCT 'dispute:' || a.complaint, 'order:' || s.id, 'settled by', 'dispute:' || a.complaint
FROM sale_complaint_action AS a JOIN sale_sale AS s ON a.result = 'sale.sale,' || s.id
