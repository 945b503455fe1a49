-- activity: Book Bank Entry
-- grain: one row per booked entry of this kind
-- key: account, statement, reference
-- meaning: any other booking: money going out, transfers between our own accounts, and reversals; it belongs to no order
-- time: the booking's moment where the bank gives it, else the beginning of the booking day in the bank's zone with
--   precision day; not the value date, which may lie before the money was there
-- reversal: a booking that takes one back is an entry of its own (Book Bank Entry)
-- objects: the bank entry; which invoices it settles is added by the linker
WITH source AS (
    SELECT b.*, coalesce(b.counterparty_account, '') IN (SELECT account FROM own_accounts) AS is_own, s.timezone AS zone
    FROM bookings AS b CROSS JOIN settings AS s
    WHERE b.status = 'BOOK'
), timed AS (
    SELECT *, coalesce(booking_time, timezone(zone, booking_date::TIMESTAMP)) AS at FROM source
)
SELECT
    'Book Bank Entry' AS activity,
    b.at AS time,
    date_diff('minute', timezone('UTC', b.at), timezone(b.zone, b.at)) AS offset_minutes,
    CASE WHEN b.booking_time IS NULL THEN 'day' ELSE 'second' END AS precision,
    76 AS source_seq,
    'bank' AS resource,
    'technical' AS resource_kind,
    'bookings' AS source_table,
    b.account || '|' || b.statement || '|' || b.reference AS source_key,
    'booking:' || b.account || '/' || b.statement || '/' || b.reference AS entity_key,
    [{'object_id': 'bank_entry:' || b.account || '/' || b.statement || '/' || b.reference, 'qualifier': 'bank entry'}]
        AS objects
FROM timed AS b
WHERE NOT b.is_credit OR b.is_reversal OR is_own
