-- Which consents lack evidence that their pack asks for?
-- Every consent on record against every piece of evidence that its pack asks for, by purpose and method, unless the
-- brand had relaxed that rule when it was captured. Personal evidence is there by its commitment. No row is right.
-- reads: ledger
-- rules: required_evidence
SELECT e.brand, e.recipient_id, e.id AS consent, e.given_at, e.channel, r.field AS lacking, r.rule
FROM events AS e
JOIN required_evidence AS r ON r.pack = split_part(e.details.pack.S, ' ', 1)
    AND COALESCE(r.channel, e.channel) = e.channel AND COALESCE(r.method, e.details.method.S) = e.details.method.S
LEFT JOIN event_purposes AS p ON p.brand = e.brand AND p.recipient_id = e.recipient_id AND p.seq = e.seq
WHERE e.type = 'consent_granted' AND COALESCE(r.purpose, p.purpose) = p.purpose
    AND COALESCE(e.details.relaxed.S, '') NOT LIKE '%' || r.rule || '%'
    AND CASE r.field
        WHEN 'wording' THEN COALESCE(e.details.wording.S, '') = ''
        WHEN 'method' THEN COALESCE(e.details.method.S, '') = ''
        WHEN 'language' THEN COALESCE(e.details.language.S, '') = ''
        WHEN 'source' THEN COALESCE(e.source, '') = ''
        WHEN 'captured_at' THEN e.given_at IS NULL
        WHEN 'purposes' THEN false
        ELSE NOT COALESCE(contains(map_keys(e.commitments), r.field), false)
    END
GROUP BY e.brand, e.recipient_id, e.id, e.given_at, e.channel, r.field, r.rule
ORDER BY e.given_at, e.brand, e.recipient_id, r.field, r.rule
