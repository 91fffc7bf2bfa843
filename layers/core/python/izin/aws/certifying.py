"""What is read for a certificate? A ledger with what its reader may see of it, and what was asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from izin.aws import codec, dossier, registry
from izin.aws.dynamo import Item, get
from izin.aws.registry import brand_key, wording_key
from izin.aws.runtime import Runtime
from izin.certificate import Shown
from izin.domain.capture import wording_hash
from izin.domain.message import Purpose
from izin.domain.pack import Rules
from izin.domain.registry import Brand


def shown(rt: Runtime, brand: str, recipient_id: str, items: Sequence[Item]) -> tuple[Brand, list[Shown]]:
    """The brand, and every event with its evidence opened and its wording found.

    A wording counts only if it still has the hash that the event was chained with.
    """
    keys = {wording_key(brand, *named) for item in items if (named := _wording(item))}
    found = registry.read(rt, [brand_key(brand), *keys], [])
    key_item = get(rt, rt.keys_table, {"pk": recipient_id})
    key = bytes(key_item["key"]) if key_item else None
    events = []
    for item in items:
        named = _wording(item)
        text = found.get(wording_key(brand, *named), {}).get("text") if named else None
        if text and wording_hash(text) != item["details"]["wording_sha256"]:
            text = None
        told = dossier.event(key, recipient_id, item)
        events.append(Shown(told, codec.event(item), told["personal"], text))
    of_brand = registry.brand(found.get(brand_key(brand)))
    return of_brand or Brand(id=brand, name=brand, contact=""), events


def _wording(item: Mapping[str, Any]) -> tuple[str, int] | None:
    details = item.get("details", {})
    return (details["wording_id"], int(details["wording_version"])) if "wording_id" in details else None


def asked(brand: Brand, events: Sequence[Shown]) -> dict[Purpose, Rules]:
    """What is asked of the consents in a ledger, by purpose, where their person lives."""
    pack = dossier.pack_by([one.item for one in events])
    return {
        purpose: brand.rules(pack, one.event.channel, purpose, ()).without(brand.relax)
        for one in events
        if "method" in one.event.details
        for purpose in one.event.purposes
    }
