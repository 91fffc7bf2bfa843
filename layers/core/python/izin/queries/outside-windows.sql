-- Was anything handed over outside its window?
-- Every hand-over of a submission, judged again by the packs that are installed here, in every time zone and
-- subdivision that the first answer named: `law` where a rule that nobody may relax was closed, `advice` where only a
-- rule that the brand may have relaxed was. Local only: Athena cannot call the rules. No row is right, but for
-- `advice` of a brand that relaxes it.
-- reads: messages
-- only: duckdb
SELECT h.brand, h.recipient_id, h.id AS message, h.channel, h.purpose, h.handed_over_at, h.country, j.judged, h.pack,
    h.pack_version
FROM handovers AS h
JOIN window_judgements AS j ON j.brand = h.brand AND j.id = h.id AND j.handed_over_at = h.handed_over_at
ORDER BY h.handed_over_at, h.brand, h.id
