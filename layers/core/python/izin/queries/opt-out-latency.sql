-- How long does it take until an opt-out holds?
-- By brand and road: how long the opt-out took to reach us, and how long then until the instant of silence; in
-- seconds. What was given before it was told, as in an imported list, shows in the first.
-- reads: ledger
SELECT brand, source, COUNT(*) AS opt_outs,
    approx_percentile(to_us, 0.5) AS to_us_median, MAX(to_us) AS to_us_longest,
    approx_percentile(to_silence, 0.5) AS to_silence_median, MAX(to_silence) AS to_silence_longest
FROM (
    SELECT brand, source,
        date_diff('millisecond', from_iso8601_timestamp(given_at), from_iso8601_timestamp(recorded_at)) / 1000.0 AS to_us,
        date_diff('millisecond', from_iso8601_timestamp(recorded_at), from_iso8601_timestamp(silent_from)) / 1000.0 AS to_silence
    FROM events WHERE type = 'opt_out'
) AS timed
GROUP BY brand, source
ORDER BY brand, source
