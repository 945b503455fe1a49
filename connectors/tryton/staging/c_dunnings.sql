-- grain: one row per reminder of a customer invoice
-- key: id
-- meaning: the invoice whose overdue line is reminded of
SELECT d.*, i.id AS invoice
FROM account_dunning AS d
JOIN account_move_line AS l ON l.id = d.line
JOIN b_invoices AS i ON i.move = l.move
