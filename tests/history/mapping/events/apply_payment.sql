-- activity: Apply Payment
-- grain: one row per payment and invoice
-- key: allocation.payment, allocation.invoice
-- meaning: the money settles the invoice
-- time: payment.booked_at
-- reversal: removing the allocation removes the event
-- objects: the payment and the invoice
SELECT 'Apply Payment' AS activity, p.booked_at AS time, 'allocation' AS source_table,
    a.payment || '|' || a.invoice AS source_key, 'payment:' || p.id AS entity_key, 6 AS source_seq,
    [{'object_id': 'payment:' || p.id, 'qualifier': 'payment'}, {'object_id': 'invoice:' || i.id, 'qualifier': 'invoice'}] AS objects
FROM allocation AS a JOIN payment AS p ON p.id = a.payment JOIN invoice AS i ON i.id = a.invoice
