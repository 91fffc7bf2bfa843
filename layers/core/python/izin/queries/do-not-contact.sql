-- Who was not to be contacted as of a day?
-- By channel, every opt-out recorded by then that no later yes on that channel had ended. One that named no purpose
-- shows under marketing, which all of them cover; its scope says what else. `as_of` is an instant such as
-- 2026-11-22T00:00:00.000Z.
-- reads: ledger
-- parameters: as_of
SELECT n.brand, n.recipient_id, c.channel, COALESCE(n.only_purpose, 'marketing') AS purpose, n.kind, n.scope,
    MAX(n.given_at) AS given_at, MAX(n.silent_from) AS silent_from
FROM (SELECT nos.*, :as_of AS as_of FROM nos) AS n
JOIN (VALUES ('sms'), ('whatsapp'), ('email'), ('push'), ('social'), ('ads')) AS c (channel)
    ON n.only_purpose IS NULL OR n.channel = c.channel
LEFT JOIN yeses AS y ON y.brand = n.brand AND y.recipient_id = n.recipient_id AND y.channel = c.channel
    AND y.since > n.given_at AND y.recorded_at <= n.as_of
    AND COALESCE(y.purpose, COALESCE(n.only_purpose, 'marketing')) = COALESCE(n.only_purpose, 'marketing')
    AND (n.kind <> 'do_not_contact' OR y.by_person)
WHERE n.recorded_at <= n.as_of AND y.id IS NULL
GROUP BY n.brand, n.recipient_id, c.channel, COALESCE(n.only_purpose, 'marketing'), n.kind, n.scope
ORDER BY n.brand, n.recipient_id, c.channel, COALESCE(n.only_purpose, 'marketing'), n.kind, n.scope
