-- grain: one row per order and invoice
-- key: sale_line.sale, sale_line.invoice
-- meaning: which invoices bill the order
SELECT DISTINCT 'order:' || s.id AS source_id, 'invoice:' || i.id AS target_id, 'billed by' AS qualifier,
    'order:' || s.id AS entity_key
FROM sale_line AS l JOIN sale AS s ON s.id = l.sale JOIN invoice AS i ON i.id = l.invoice
