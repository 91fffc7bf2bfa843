-- What do people opt out because of?
-- Submissions handed over and opt-outs that followed one, by its sender, template, campaign and country; an opt-out
-- that followed no message that is known counts by sender and country alone, and has no message beside it.
-- reads: ledger, messages
SELECT sender, template, campaign, country, SUM(sent) AS sent, SUM(opted_out) AS opted_out
FROM (
    SELECT sender, template, campaign, country, COUNT(DISTINCT brand || '#' || id) AS sent, 0 AS opted_out
    FROM handovers WHERE kind = 'submission' GROUP BY sender, template, campaign, country
    UNION ALL
    SELECT details.sender.S, details.template.S, details.campaign.S, details.country.S, 0, COUNT(DISTINCT id)
    FROM events WHERE type = 'opt_out' GROUP BY details.sender.S, details.template.S, details.campaign.S, details.country.S
) AS counted
GROUP BY sender, template, campaign, country
ORDER BY sender, template, campaign, country
