"""What of a message is personal: number, text and its template's values, under the recipient's key."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

from izin.aws import identity
from izin.domain.message import Filled


@dataclass(frozen=True, slots=True)
class Contents:
    """Whom a message goes to, and what it says. `template` is what a platform fills in by itself."""

    to: str = field(repr=False)
    text: str = field(repr=False)
    template: Filled | None = None


def seal(key: bytes, pk: str, contents: Contents) -> bytes:
    """The contents of the message `pk`, sealed; elsewhere they do not open."""
    values = {"to": contents.to, "text": contents.text}
    if contents.template:
        values["template"] = json.dumps(asdict(contents.template))
    return identity.seal(key, _context(pk), values)


def unseal(key: bytes, pk: str, sealed: bytes) -> Contents:
    """Open what `seal` sealed."""
    values = identity.unseal(key, _context(pk), sealed)
    filled = json.loads(values["template"]) if "template" in values else None
    template = Filled(**{**filled, "values": tuple(filled["values"])}) if filled else None
    return Contents(values["to"], values["text"], template)


def _context(pk: str) -> str:
    return f"message|{pk}"
