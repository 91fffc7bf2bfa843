"""Who may call, who speaks, and through what: API keys, brands, senders, templates and wordings.

Keys: `KEY#<sha256 of the key>`, `BRAND#<id>`, `SENDER#<id>`, `TEMPLATE#<brand>#<id>`,
`WORDING#<brand>#<id>` for the newest version and `WORDING#<brand>#<id>#<version>` for each, and
`ADDRESS#<channel>#<address>`, which leads an inbound message to its sender. What was read may be
used for ten seconds.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import lru_cache
from typing import Any

from botocore.exceptions import ClientError

from izin.aws import dynamo
from izin.aws.dynamo import Item, batch_get, cancellation, get, pack
from izin.aws.runtime import Runtime
from izin.domain.message import Channel, Template
from izin.domain.pack import RuleSet
from izin.domain.registry import NOTHING, Brand, Carrier, Sender

CACHE_FOR = timedelta(seconds=10)
SCOPES = ("check", "send", "consent", "opt_out", "read", "personal", "rights", "admin")


def brand_key(brand_id: str) -> str:
    """The key of a brand."""
    return f"BRAND#{brand_id}"


def sender_key(sender_id: str) -> str:
    """The key of a sender."""
    return f"SENDER#{sender_id}"


def template_key(brand_id: str, template_id: str) -> str:
    """The key of a template."""
    return f"TEMPLATE#{brand_id}#{template_id}"


def wording_key(brand_id: str, wording_id: str, version: int | None = None) -> str:
    """The key of one version of a wording, or of the newest."""
    return f"WORDING#{brand_id}#{wording_id}" + (f"#{version}" if version else "")


def address_key(channel: str, address: str) -> str:
    """The key that leads from what a person wrote to, to the sender."""
    return f"ADDRESS#{channel}#{address}"


def api_key_key(key: str) -> str:
    """The key of an API key: its SHA-256. The key itself is 256 random bits and stored nowhere."""
    return f"KEY#{hashlib.sha256(key.encode()).hexdigest()}"


def read(rt: Runtime, registry: Iterable[str], others: Iterable[tuple[str, str]]) -> dict[str, Item]:
    """The registry items at `registry`, and with them in the same trip the items at `others`.

    Items read less than ten seconds ago are not read again. Answers by pk, whatever the table.
    """
    now, found, wanted = rt.now(), dict[str, Item](), list(others)
    for pk in registry:
        cached = rt.cache.get(pk)
        if cached and cached[0] <= now < cached[0] + CACHE_FOR:
            found[pk] = cached[1]
        else:
            wanted.append((rt.registry_table, pk))
    for (table, pk), item in (batch_get(rt, wanted) if wanted else {}).items():
        found[pk] = item
        if table == rt.registry_table:
            rt.cache[pk] = (now, item)
    return found


def brand(item: Mapping[str, Any] | None) -> Brand | None:
    """The brand in an item."""
    if item is None:
        return None
    return Brand(
        id=item["id"],
        name=item["name"],
        contact=item["contact"],
        double_opt_in=bool(item.get("double_opt_in")),
        page_url=item.get("page_url"),
        approved_domains=frozenset(item.get("approved_domains", ())),
        relax=frozenset(item.get("relax", ())),
        tighten=_tightened(json.dumps(item["tighten"])) if "tighten" in item else NOTHING,
    )


@lru_cache(maxsize=64)
def _tightened(rules: str) -> RuleSet:
    return RuleSet.model_validate_json(rules)


def sender(item: Mapping[str, Any] | None) -> Sender | None:
    """The sender in an item."""
    if item is None:
        return None
    return Sender(
        id=item["id"],
        brand=item["brand"],
        channel=Channel(item["channel"]),
        carrier=Carrier(item["carrier"]),
        address=item["address"],
        countries=frozenset(item.get("countries", ())),
        configuration_set=item.get("configuration_set"),
        phone_number_id=item.get("phone_number_id"),
        opt_out_list=item.get("opt_out_list"),
        marketing_only=item.get("marketing_only", False),
        carrier_confirms_stop=item.get("carrier_confirms_stop", False),
        two_way=item["two_way"],
        registrations=frozenset(item.get("registrations", ())),
        language=item.get("language"),
        rate=item["rate"],
        at_least_once=item["at_least_once"],
        suspended=item["suspended"],
    )


def template(item: Mapping[str, Any], values: tuple[str, ...]) -> Template:
    """The template in an item, with the values of its variables."""
    return Template(
        name=item["id"],
        text=item["text"],
        values=values,
        approved=item.get("approved", False),
        category=item.get("category"),
        button=item.get("button"),
        header=item.get("header", False),
        footer=item.get("footer", False),
        code_expiry=item.get("code_expiry"),
        lifetime=item.get("lifetime"),
    )


def sender_at(rt: Runtime, channel: Channel, address: str) -> Sender | None:
    """The sender that people reach at `address`, or None."""
    pk = address_key(channel, address)
    lead = read(rt, [pk], []).get(pk)
    if lead is None:
        return None
    pk = sender_key(lead["sender"])
    return sender(read(rt, [pk], []).get(pk))


def put(rt: Runtime, pk: str, item: Mapping[str, Any]) -> None:
    """Store a brand or template."""
    dynamo.put(rt, TableName=rt.registry_table, Item=pack({**item, "pk": pk}))
    rt.cache.pop(pk, None)


LISTED = "LISTED"
"""The key of the item that names every sender that ever had an opt-out list."""


def listed(rt: Runtime) -> list[Sender]:
    """The senders whose provider keeps an opt-out list for them."""
    names = sorted(read(rt, [LISTED], []).get(LISTED, {}).get("senders", ()))
    found = read(rt, map(sender_key, names), [])
    senders = (sender(found.get(sender_key(name))) for name in names)
    return [each for each in senders if each and each.opt_out_list]


def put_sender(rt: Runtime, item: Mapping[str, Any]) -> bool:
    """Store a sender with the lead from its address; False if another sender has that address."""
    lead = address_key(item["channel"], item["address"])
    mention = {
        "TableName": rt.registry_table,
        "Key": pack({"pk": LISTED}),
        "UpdateExpression": "ADD senders :sender",
        "ExpressionAttributeValues": pack({":sender": {item["id"]}}),
    }
    try:
        rt.dynamodb.transact_write_items(
            TransactItems=[
                {
                    "Put": {
                        "TableName": rt.registry_table,
                        "Item": pack({**item, "pk": sender_key(item["id"])}),
                    }
                },
                {
                    "Put": {
                        "TableName": rt.registry_table,
                        "Item": pack({"pk": lead, "sender": item["id"]}),
                        "ConditionExpression": "attribute_not_exists(pk) OR sender = :sender",
                        "ExpressionAttributeValues": pack({":sender": item["id"]}),
                    }
                },
                *([{"Update": mention}] if item.get("opt_out_list") else []),
            ]
        )
    except ClientError as error:
        reasons = cancellation(error)
        if reasons is None or reasons[1] != "ConditionalCheckFailed":
            raise
        return False
    rt.cache.pop(sender_key(item["id"]), None)
    return True


def put_wording(rt: Runtime, item: Mapping[str, Any]) -> bool:
    """Store a version of a wording; False where it is there already, or a newer one is."""
    newest, pk = (wording_key(item["brand"], item["id"], version) for version in (None, item["version"]))
    try:
        rt.dynamodb.transact_write_items(
            TransactItems=[
                {
                    "Put": {
                        "TableName": rt.registry_table,
                        "Item": pack({**item, "pk": pk}),
                        "ConditionExpression": "attribute_not_exists(pk)",
                    }
                },
                {
                    "Put": {
                        "TableName": rt.registry_table,
                        "Item": pack({**item, "pk": newest}),
                        "ConditionExpression": "attribute_not_exists(pk) OR version < :version",
                        "ExpressionAttributeValues": pack({":version": item["version"]}),
                    }
                },
            ]
        )
    except ClientError as error:
        if "ConditionalCheckFailed" not in (cancellation(error) or ()):
            raise
        return False
    return True


def new_api_key(rt: Runtime, name: str, brand_id: str, scopes: Iterable[str]) -> str:
    """Make an API key bound to a brand ("*" for all), store its SHA-256, and return it: once."""
    key = f"izin_{secrets.token_urlsafe(32)}"
    put(rt, api_key_key(key), {"name": name, "brand": brand_id, "scopes": sorted(scopes)})
    return key


def api_key(rt: Runtime, key: str) -> Item | None:
    """What a key may do, or None for a key that nobody made."""
    return get(rt, rt.registry_table, {"pk": api_key_key(key)})
