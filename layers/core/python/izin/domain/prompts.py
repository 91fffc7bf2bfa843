"""Which message led a person to an act? What opt-outs are counted by: template, campaign, sender, country."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Prompt:
    """The message that an act followed: its id, its sender, and what it belonged to."""

    message: str
    sender: str
    template: str | None = None
    campaign: str | None = None


def details(country: str | None, sender: str | None = None, prompt: Prompt | None = None) -> dict[str, str]:
    """The public details of an opt-out, given by somebody in `country`; what is not known is left out.

    `sender` is the one that it was told to, where no message is known to have led to it.
    """
    known = {
        "message": prompt.message if prompt else None,
        "template": prompt.template if prompt else None,
        "campaign": prompt.campaign if prompt else None,
        "sender": prompt.sender if prompt else sender,
        "country": country,
    }
    return {name: value for name, value in known.items() if value}
