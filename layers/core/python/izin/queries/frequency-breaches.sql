-- Was anybody messaged more often than a cap permits?
-- For every hand-over that a cap of its pack counts, how many the cap counted in the period that ends with it. A cap of
-- some states only is left out, and on holidays the ordinary limit is taken: the export does not tell more. A brand may
-- relax a cap of severity advice or policy. No row of another severity is right.
-- reads: messages
-- rules: caps
SELECT h.brand, h.recipient_id, h.id AS message, h.handed_over_at, c.rule, c.severity, c.most, c.seconds / 3600 AS hours,
    COUNT(DISTINCT earlier.id) AS sent
FROM handovers AS h
JOIN caps AS c ON c.pack = h.pack AND c.channel = h.channel AND c.purpose = h.purpose
JOIN caps AS same ON same.rule = c.rule AND same.pack = c.pack
JOIN handovers AS earlier ON earlier.brand = h.brand AND earlier.recipient_id = h.recipient_id
    AND earlier.channel = same.channel AND earlier.purpose = same.purpose AND earlier.kind = 'submission'
    AND earlier.handed_over_at <= h.handed_over_at
    AND date_diff('second', from_iso8601_timestamp(earlier.handed_over_at), from_iso8601_timestamp(h.handed_over_at)) < c.seconds
WHERE h.kind = 'submission'
GROUP BY h.brand, h.recipient_id, h.id, h.handed_over_at, c.rule, c.severity, c.most, c.seconds
HAVING COUNT(DISTINCT earlier.id) > c.most
ORDER BY h.handed_over_at, h.brand, h.id, c.rule
