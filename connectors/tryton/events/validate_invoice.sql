-- activity: Validate Invoice
-- grain: one row per step of account.invoice to validated
-- key: ir_model_log.id
-- meaning: the draft invoice was checked and frozen; invoices posted straight from draft skip it
-- time: ir_model_log.create_date, the start of the transaction, because the record itself keeps no time of the step
-- reversal: going back to draft is no event
-- objects: the invoice
SELECT
    'Validate Invoice' AS activity,
    t.at AS time,
    62 AS source_seq,
    t.resource,
    t.resource_kind,
    t.team,
    'ir_model_log' AS source_table,
    CAST(t.log_id AS VARCHAR) AS source_key,
    'invoice:' || t.record_id AS entity_key,
    [{'object_id': 'invoice:' || t.record_id, 'qualifier': 'invoice'}] AS objects
FROM a_transitions AS t
JOIN b_invoices AS d ON d.id = t.record_id
WHERE t.model = 'account.invoice' AND t.event = 'transition' AND t.target = 'state:validated'
  AND d.kind = 'invoice'
