"""How a decision is said in JSON: the same words from the API and from the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from izin.domain.gate import Decision
from izin.domain.phone import Phone
from izin.domain.times import shown
from izin.domain.way_out import Ending


def decision(made: Decision, recipient_id: str | None, phone: Phone) -> dict[str, Any]:
    """A verdict with every reason, the recipient's facts and the pack that judged."""
    body: dict[str, Any] = {"verdict": str(made.verdict)}
    if made.until:
        body["until"] = shown(made.until)
    body["reasons"] = [
        {
            "code": str(reason.code),
            "rule": reason.rule,
            "effect": str(reason.effect),
            "detail": reason.detail,
            "sources": list(reason.sources),
        }
        for reason in made.reasons
    ]
    if made.relaxed:
        body["relaxed"] = [
            {"code": str(reason.code), "rule": reason.rule, "detail": reason.detail}
            for reason in made.relaxed
        ]
    body["recipient"] = {
        **({"recipient_id": recipient_id} if recipient_id else {}),
        "country": phone.country,
        "time_zones": list(phone.time_zones),
        "line_type": str(phone.line_type),
        **({"subdivisions": list(phone.subdivisions)} if phone.subdivisions else {}),
    }
    body["pack"] = {"id": made.pack, "version": made.pack_version}
    body["decided_at"] = shown(made.decided_at)
    return body


def ending(made: Ending | None) -> dict[str, Any]:
    """How a text was made to lead out, and how it travels with that; nothing where it was not asked."""
    if made is None:
        return {}
    parts = made.segments
    return {
        "opt_out": {
            "by": str(made.road),
            "encoding": parts.encoding,
            "units": parts.units,
            "segments": parts.segments,
        }
    }


def message(
    message_id: str, said: Mapping[str, Any], history: Sequence[Mapping[str, str]], attempts: int
) -> dict[str, Any]:
    """A message: what the gate `said` of it, and where it is in its life."""
    body = {"id": message_id, "status": history[-1]["status"], **said}
    return {
        **{name: value for name, value in body.items() if value is not None},
        "attempts": attempts,
        "history": [dict(entry) for entry in history],
    }
