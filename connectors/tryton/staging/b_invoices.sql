-- grain: one row per invoice or credit note to a customer
-- key: id
-- meaning: the invoice with its due date, posting and clearing; below zero it is a credit note
WITH receivable AS (
    SELECT
        i.id AS invoice,
        max(l.maturity_date) AS due_date,
        max(r.create_date) FILTER (WHERE r.id IS NOT NULL) AS cleared_at,
        arg_max(r.id, {'at': r.create_date, 'id': r.id}) AS reconciliation,
        arg_max(r.create_uid, {'at': r.create_date, 'id': r.id}) AS cleared_by,
        bool_and(r.id IS NOT NULL) AS is_cleared
    FROM account_invoice AS i
    JOIN account_move_line AS l ON l.move = i.move AND l.account = i.account
    LEFT JOIN account_move_reconciliation AS r ON r.id = l.reconciliation
    GROUP BY i.id
), lines AS (
    SELECT invoice, sum(CAST(quantity AS DECIMAL(28, 10)) * CAST(unit_price AS DECIMAL(9, 4))) AS net
    FROM account_invoice_line WHERE type = 'line' GROUP BY invoice
)
SELECT
    i.*,
    c.code AS currency_code,
    CAST(round(CAST(coalesce(i.total_amount_cache, n.net) AS DECIMAL(28, 10)) * c.factor) AS BIGINT) AS amount_minor,
    CASE WHEN coalesce(i.total_amount_cache, n.net) < 0 THEN 'credit_note' ELSE 'invoice' END AS kind,
    coalesce(i.numbered_at, m.create_date) AS posted_at,
    m.create_uid AS posted_by_user,
    v.due_date,
    v.reconciliation,
    v.cleared_by,
    CASE WHEN v.is_cleared THEN v.cleared_at END AS cleared_at,
    p.name AS customer_name,
    r.region,
    t.name AS payment_term_name,
    coalesce(k.timezone, 'UTC') AS zone
FROM account_invoice AS i
LEFT JOIN receivable AS v ON v.invoice = i.id
LEFT JOIN lines AS n ON n.invoice = i.id
LEFT JOIN account_move AS m ON m.id = i.move
LEFT JOIN a_currencies AS c ON c.id = i.currency
LEFT JOIN party_party AS p ON p.id = i.party
LEFT JOIN a_regions AS r ON r.party = i.party
LEFT JOIN account_invoice_payment_term AS t ON t.id = i.payment_term
LEFT JOIN (SELECT max(timezone) AS timezone FROM company_company) AS k ON true
WHERE i.type = 'out'
