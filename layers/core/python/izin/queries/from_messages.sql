messages AS (
    SELECT
        item.brand.S AS brand,
        item.id.S AS id,
        item.recipient_id.S AS recipient_id,
        item.sender.S AS sender,
        item.channel.S AS channel,
        item.purpose.S AS purpose,
        item.kind.S AS kind,
        item.template.S AS template,
        item.campaign.S AS campaign,
        item.status.S AS status,
        COALESCE(item.essential.BOOL, false) AS essential,
        item.answer.S AS answer,
        json_extract_scalar(item.answer.S, '$.recipient.country') AS country,
        json_extract_scalar(item.answer.S, '$.pack.id') AS pack,
        json_extract_scalar(item.answer.S, '$.pack.version') AS pack_version,
        item.history.L AS history
    FROM message_items
    WHERE item.pk.S IS NOT NULL
),
transitions AS (
    SELECT brand, id, recipient_id, place,
        map_values(entry)[1].at.S AS happened_at,
        map_values(entry)[1].status.S AS status,
        map_values(entry)[1].note.S AS note
    FROM messages CROSS JOIN UNNEST(history) WITH ORDINALITY AS unnested (entry, place)
),
attempts AS (
    SELECT brand, id, place, happened_at, status,
        LEAD(status) OVER (PARTITION BY brand, id ORDER BY place) AS outcome,
        LEAD(note) OVER (PARTITION BY brand, id ORDER BY place) AS outcome_note
    FROM transitions
),
-- What was handed to a carrier, by the instant at which it was claimed. A claim given back never got there.
handovers AS (
    SELECT m.brand, m.id, m.recipient_id, m.sender, m.channel, m.purpose, m.kind, m.template, m.campaign, m.essential,
        m.country, m.pack, m.pack_version, m.answer, a.place, a.happened_at AS handed_over_at, a.outcome
    FROM attempts AS a JOIN messages AS m ON m.brand = a.brand AND m.id = a.id
    WHERE a.status = 'sending' AND NOT (COALESCE(a.outcome, '') = 'due' AND COALESCE(a.outcome_note, '') = 'given_back')
)
