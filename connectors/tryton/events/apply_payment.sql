-- activity: Apply Payment
-- grain: one row per payment line and moment of application
-- key: "account_invoice-account_move_line".id or account_move_line.id
-- meaning: accounts receivable applied money to an invoice
-- time: create_date of the application, exact; account_move.date is only a date and may be back-dated
-- reversal: taking the application back removes this event
-- objects: the payment and the invoices it settles
SELECT
    'Apply Payment' AS activity,
    c.applied_at AS time,
    80 AS source_seq,
    p.resource,
    p.resource_kind,
    p.team,
    c.source_table,
    CAST(min(c.source_id) AS VARCHAR) AS source_key,
    'payment:' || c.line AS entity_key,
    list_prepend(
        {'object_id': 'payment:' || c.line, 'qualifier': 'payment'},
        list({'object_id': 'invoice:' || c.invoice, 'qualifier': 'settled invoice'})
    ) AS objects
FROM c_payments AS c
LEFT JOIN a_people AS p ON p.user_id = coalesce(c.applied_by, 0)
GROUP BY c.line, c.applied_at, c.source_table, p.resource, p.resource_kind, p.team
