-- grain: one row per payment line and invoice it settles
-- key: line, invoice
-- meaning: lines applied to an invoice, and lines settled together with its receivable (direct debits)
WITH applied AS (
    SELECT r.line, r.invoice, r.create_date AS applied_at, r.create_uid AS applied_by,
        'account_invoice-account_move_line' AS source_table, r.id AS source_id
    FROM "account_invoice-account_move_line" AS r
), settled AS (
    SELECT l.id AS line, i.id AS invoice, rec.create_date AS applied_at, rec.create_uid AS applied_by,
        'account_move_line' AS source_table, l.id AS source_id, sum(own.debit - own.credit) AS owed
    FROM b_invoices AS i
    JOIN account_move_line AS own ON own.move = i.move AND own.account = i.account
    JOIN account_move_reconciliation AS rec ON rec.id = own.reconciliation
    JOIN account_move_line AS l ON l.reconciliation = rec.id AND l.credit > 0
    JOIN account_move AS m ON m.id = l.move
    LEFT JOIN account_journal AS j ON j.id = m.journal
    WHERE i.kind = 'invoice' AND coalesce(j.type, '') <> 'write-off'
      AND l.move NOT IN (SELECT move FROM account_invoice WHERE move IS NOT NULL)
      AND l.move NOT IN (SELECT cancel_move FROM account_invoice WHERE cancel_move IS NOT NULL)
      AND l.id NOT IN (SELECT line FROM applied WHERE line IS NOT NULL)
    GROUP BY ALL
), united AS (
    SELECT *, NULL AS owed FROM applied UNION ALL BY NAME SELECT * FROM settled
), shared AS (
    SELECT *, count(*) OVER (PARTITION BY line) AS invoices FROM united
)
SELECT
    s.line,
    s.invoice,
    s.applied_at,
    s.applied_by,
    s.source_table,
    s.source_id,
    m.id AS move,
    m.number,
    m.date AS posting_date,
    i.party,
    coalesce(c2.code, c1.code) AS currency,
    CAST(round(CAST(
        CASE WHEN l.second_currency IS NOT NULL THEN -l.amount_second_currency ELSE l.credit - l.debit END
        AS DECIMAL(28, 10)) * coalesce(c2.factor, c1.factor)) AS BIGINT) AS amount_minor,
    CAST(round(CAST(
        CASE WHEN s.invoices > 1 AND s.owed IS NOT NULL THEN s.owed
            WHEN l.second_currency IS NOT NULL THEN -l.amount_second_currency ELSE l.credit - l.debit END
        AS DECIMAL(28, 10)) * coalesce(c2.factor, c1.factor)) AS BIGINT) AS settled_minor
FROM shared AS s
JOIN account_move_line AS l ON l.id = s.line
JOIN account_move AS m ON m.id = l.move
JOIN b_invoices AS i ON i.id = s.invoice
LEFT JOIN a_currencies AS c2 ON c2.id = l.second_currency
LEFT JOIN (SELECT min(currency) AS currency FROM company_company) AS k ON true
LEFT JOIN a_currencies AS c1 ON c1.id = k.currency
