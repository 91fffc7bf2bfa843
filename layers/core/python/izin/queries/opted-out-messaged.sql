-- Was anybody messaged who had opted out?
-- Every hand-over that an opt-out covers, after the instant of silence that its answer named, with no yes between
-- them. Confirmations and other answers to the person's own act are no submissions. No row is right.
-- reads: ledger, messages
SELECT h.brand, h.recipient_id, h.id AS message, h.channel, h.purpose, h.handed_over_at, h.outcome,
    n.id AS opt_out, n.scope, n.kind, n.given_at, n.silent_from
FROM handovers AS h
JOIN nos AS n ON n.brand = h.brand AND n.recipient_id = h.recipient_id AND n.silent_from < h.handed_over_at
LEFT JOIN yeses AS y ON y.brand = n.brand AND y.recipient_id = n.recipient_id AND y.channel = h.channel
    AND COALESCE(y.purpose, h.purpose) = h.purpose AND y.since > n.given_at AND y.recorded_at <= h.handed_over_at
    AND (n.kind <> 'do_not_contact' OR y.by_person)
WHERE h.kind = 'submission' AND h.purpose <> 'authentication' AND y.id IS NULL
    AND CASE
        WHEN n.only_purpose IS NOT NULL THEN n.only_purpose = h.purpose AND n.channel = h.channel
        WHEN h.purpose = 'marketing' THEN true
        WHEN h.essential THEN n.scope = 'revoke_all'
        ELSE n.scope <> 'marketing'
    END
ORDER BY h.handed_over_at, h.brand, h.id, n.silent_from, n.id
