-- activity: Clear Invoice
-- grain: one row per invoice or credit note whose receivable is wholly settled
-- key: account_move_reconciliation.id, account_invoice.id
-- meaning: every receivable line of the invoice is settled, by money or by a credit note
-- time: account_move_reconciliation.create_date of the last receivable line; its own date column is the latest due date and wrong
-- reversal: taking the settlement back removes this event; a cancelled invoice is not cleared
-- objects: the invoice
SELECT
    'Clear Invoice' AS activity,
    i.cleared_at AS time,
    85 AS source_seq,
    p.resource,
    p.resource_kind,
    p.team,
    'account_move_reconciliation' AS source_table,
    i.reconciliation || ' ' || i.id AS source_key,
    'invoice:' || i.id AS entity_key,
    [{'object_id': 'invoice:' || i.id, 'qualifier': 'invoice'}] AS objects
FROM b_invoices AS i
LEFT JOIN a_people AS p ON p.user_id = coalesce(i.cleared_by, 0)
WHERE i.cleared_at IS NOT NULL AND i.state <> 'cancelled'
