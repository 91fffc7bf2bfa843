-- What is on record about one person?
-- Every event of their ledger and every step of every message, with every brand, in order. `recipient_id` is what
-- POST /v1/recipients/lookup answers for a number.
-- reads: ledger, messages
-- parameters: recipient_id
SELECT happened_at, brand, what, id, channel, purpose, detail
FROM (
    SELECT e.recipient_id, e.recorded_at AS happened_at, e.brand, e.type AS what, e.id, e.channel, p.purpose,
        COALESCE(e.scope, e.details.wording.S, e.details.lacking.S, e.details.reason.S) AS detail
    FROM events AS e
    LEFT JOIN event_purposes AS p ON p.brand = e.brand AND p.recipient_id = e.recipient_id AND p.seq = e.seq
    UNION ALL
    SELECT t.recipient_id, t.happened_at, t.brand, 'message ' || t.status, t.id, m.channel, m.purpose, t.note
    FROM transitions AS t JOIN messages AS m ON m.brand = t.brand AND m.id = t.id
) AS everything
WHERE recipient_id = :recipient_id
ORDER BY happened_at, brand, id, purpose, what
