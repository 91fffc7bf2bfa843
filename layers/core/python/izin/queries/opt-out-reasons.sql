-- Why do people say that they opted out?
-- By the choice that they made on their page, with the road of the opt-outs of those who gave none.
-- reads: ledger
SELECT COALESCE(r.reason, 'not given') AS reason, n.source, COUNT(DISTINCT n.id) AS opted_out
FROM (SELECT DISTINCT brand, recipient_id, id, source FROM events WHERE type = 'opt_out' AND source <> 'linked') AS n
LEFT JOIN (
    SELECT brand, recipient_id, MAX(details.reason.S) AS reason FROM events WHERE type = 'reason'
    GROUP BY brand, recipient_id
) AS r ON r.brand = n.brand AND r.recipient_id = n.recipient_id
GROUP BY COALESCE(r.reason, 'not given'), n.source
ORDER BY COUNT(DISTINCT n.id) DESC, COALESCE(r.reason, 'not given'), n.source
