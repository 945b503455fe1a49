-- grain: one row per booked entry
-- key: account, statement, reference
-- meaning: money that came in or (below zero) went out of one of our accounts
SELECT
    'bank_entry:' || account || '/' || statement || '/' || reference AS object_id,
    'bank_entry' AS object_type,
    'booking:' || account || '/' || statement || '/' || reference AS entity_key,
    reference AS number,
    CASE WHEN is_credit THEN amount_minor ELSE -amount_minor END AS amount_minor,
    currency,
    account,
    statement,
    booking_date,
    value_date,
    CASE WHEN is_credit THEN 'credit' ELSE 'debit' END AS direction,
    is_reversal,
    end_to_end_id,
    creditor_reference,
    remittance,
    counterparty,
    counterparty_account,
    is_credit AND NOT is_reversal AND coalesce(counterparty_account, '') NOT IN (SELECT account FROM own_accounts)
        AS is_receipt
FROM bookings
WHERE status = 'BOOK'
