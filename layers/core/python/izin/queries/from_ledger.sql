events AS (
    SELECT
        item.brand.S AS brand,
        item.recipient_id.S AS recipient_id,
        CAST(item.seq.N AS bigint) AS seq,
        item.id.S AS id,
        item.type.S AS type,
        item.given_at.S AS given_at,
        item.recorded_at.S AS recorded_at,
        COALESCE(item.asked_at.S, item.given_at.S) AS since,
        item.channel.S AS channel,
        item.source.S AS source,
        item.scope.S AS scope,
        item.kind.S AS kind,
        item.silent_from.S AS silent_from,
        COALESCE(item.by_person.BOOL, false) AS by_person,
        COALESCE(item.company_wide.BOOL, false) AS company_wide,
        item.purposes.L AS purposes,
        item.details.M AS details,
        item.commitments.M AS commitments
    FROM ledger_items
    WHERE item.pk.S IS NOT NULL
),
event_purposes AS (
    SELECT brand, recipient_id, seq, map_values(entry)[1] AS purpose
    FROM events CROSS JOIN UNNEST(purposes) AS unnested (entry)
),
-- An opt-out: one row, or one for each purpose that it names.
nos AS (
    SELECT e.brand, e.recipient_id, e.seq, e.id, e.given_at, e.recorded_at, e.channel, e.source, e.scope, e.kind,
        e.silent_from, e.by_person, e.details, p.purpose AS only_purpose
    FROM events AS e
    LEFT JOIN event_purposes AS p ON p.brand = e.brand AND p.recipient_id = e.recipient_id AND p.seq = e.seq
    WHERE e.type = 'opt_out'
),
-- A yes, which ends what was said before `since`: one row for each purpose, or one for all of its channel.
yeses AS (
    SELECT e.brand, e.recipient_id, e.id, e.since, e.recorded_at, e.channel, e.by_person, p.purpose
    FROM events AS e
    LEFT JOIN event_purposes AS p ON p.brand = e.brand AND p.recipient_id = e.recipient_id AND p.seq = e.seq
    WHERE e.type IN ('consent_granted', 'opt_in')
)
