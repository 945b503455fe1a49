-- activity: Cancel Invoice
-- grain: one row per step of account.invoice to cancelled
-- key: ir_model_log.id
-- meaning: the invoice was taken back; its posting is reversed
-- time: ir_model_log.create_date, the start of the transaction, because the record itself keeps no time of the step
-- reversal: none
-- objects: the invoice
SELECT
    'Cancel Invoice' AS activity,
    t.at AS time,
    72 AS source_seq,
    t.resource,
    t.resource_kind,
    t.team,
    'ir_model_log' AS source_table,
    CAST(t.log_id AS VARCHAR) AS source_key,
    'invoice:' || t.record_id AS entity_key,
    [{'object_id': 'invoice:' || t.record_id, 'qualifier': 'invoice'}] AS objects
FROM a_transitions AS t
JOIN b_invoices AS d ON d.id = t.record_id
WHERE t.model = 'account.invoice' AND t.event = 'transition' AND t.target = 'state:cancelled'
