"""What would the gate say of a message, by the rules alone and without any store?"""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from izin import answers
from izin.commands.arguments import Commands, Unanswerable, instant
from izin.commands.arguments import person as numbered
from izin.domain import gate, way_out
from izin.domain.consent import Block, Grant, Scope, Standing, Status, Suppression
from izin.domain.contact import Contact
from izin.domain.gate import Decision
from izin.domain.history import Send
from izin.domain.message import SENT_CHANNELS, Channel, Message, Purpose
from izin.domain.pack import not_relaxable, pack_of
from izin.domain.phone import Phone
from izin.domain.registry import Brand, Carrier, Sender
from izin.domain.times import shown
from izin.domain.way_out import Ending


def add(commands: Commands) -> None:
    """`izin check`."""
    check = commands.add_parser("check", help="what would the gate say? (offline)")
    check.add_argument("--to", required=True, help="E.164, such as +6281234567890")
    check.add_argument("--purpose", required=True, choices=list(map(str, Purpose)))
    check.add_argument("--channel", required=True, choices=sorted(map(str, SENT_CHANNELS)))
    check.add_argument("--at", type=instant, help="RFC 3339 with an offset; now if left out")
    check.add_argument("--consent", default="none", choices=list(map(str, Status)))
    check.add_argument("--text", help="without it everything but content is judged")
    check.add_argument("--append-opt-out", action="store_true", help="add a way out to the end of --text")
    check.add_argument("--page-url", default="", help="of the brand's own domain: then a link is added")
    check.add_argument("--language")
    check.add_argument("--brand", default="", help="the name that the text must show")
    check.add_argument("--expires", type=instant, help="without it no expiry is judged")
    check.add_argument("--essential", action="store_true")
    check.add_argument("--basis", help="the transaction that the message belongs to")
    check.add_argument("--variables", type=int, help="of the template that the text was made from")
    check.add_argument(
        "--relax", action="append", default=[], help="a rule that the brand relaxes; repeatable"
    )
    check.add_argument("--time-zone", help="where the person verifiably is, such as America/Denver")
    check.add_argument("--subdivision", help="the state that the person verifiably is in, such as FL")
    check.add_argument("--sent", type=instant, action="append", default=[], help="earlier send; repeatable")
    check.add_argument("--heard", type=instant, help="when the person last wrote to the WhatsApp sender")
    check.add_argument("--one-way", action="store_true", help="the sender receives no replies")
    check.add_argument("--json", action="store_true")
    check.set_defaults(run=_check)


def _check(asked: argparse.Namespace) -> int:
    if asked.time_zone and asked.time_zone not in available_timezones():
        raise Unanswerable(f"--time-zone: {asked.time_zone!r} is no zone of the tz database")
    for rule in asked.relax:
        if refusal := not_relaxable(rule):
            raise Unanswerable(f"--relax: {refusal}")
    person = numbered(asked.to).declared(asked.time_zone, asked.subdivision)
    if asked.essential and not asked.basis:
        raise Unanswerable("--essential: an essential message names its --basis")
    at: datetime = asked.at or datetime.now(UTC)
    channel, purpose = Channel(asked.channel), Purpose(asked.purpose)
    brand = _some_brand(asked)
    sender = _some_sender(person, channel, purpose, two_way=not asked.one_way)
    ending = _ending(asked, person, channel, purpose, brand, sender)
    made = gate.decide(
        Message(
            brand="brand",
            sender="sender",
            channel=channel,
            purpose=purpose,
            text=ending.text if ending else asked.text,
            variables=asked.variables,
            language=asked.language,
            basis={"transaction": asked.basis} if asked.basis else None,
            essential=asked.essential,
            expires_at=asked.expires,
        ),
        person,
        _standing(Status(asked.consent), channel, purpose, at, _stop(person)),
        [Send(sent, purpose, channel, number) for number, sent in enumerate(asked.sent)],
        brand,
        sender,
        pack_of(person.country),
        at,
        Contact(heard_at=asked.heard),
    )
    if asked.json:
        said = {**answers.decision(made, None, person), **answers.ending(ending)}
        print(json.dumps(said, ensure_ascii=False, indent=2))
    else:
        print(_told(made, person))
        if ending:
            parts = ending.segments
            print(f"way out: {ending.road}; {parts.units} units in {parts.encoding}, parts: {parts.segments}")
    return 0


def _ending(
    asked: argparse.Namespace, person: Phone, channel: Channel, purpose: Purpose, brand: Brand, sender: Sender
) -> Ending | None:
    if not asked.append_opt_out:
        return None
    if channel is not Channel.SMS or asked.text is None:
        raise Unanswerable("--append-opt-out: only the --text of an SMS is added to")
    pack = pack_of(person.country)
    return way_out.ended(
        asked.text,
        brand.rules(pack, channel, purpose, person.subdivisions).without(brand.relax),
        pack,
        brand,
        sender,
        language=asked.language,
        token=way_out.SAMPLE,
        page_url="",
    )


def _some_brand(asked: argparse.Namespace) -> Brand:
    """A brand whose domain, if it has one, is approved."""
    host = urlsplit(asked.page_url).hostname
    return Brand(
        id="brand",
        name=asked.brand,
        contact="",
        relax=frozenset(asked.relax),
        page_url=asked.page_url or None,
        approved_domains=frozenset({host} if host else ()),
    )


def _standing(status: Status, channel: Channel, purpose: Purpose, at: datetime, stop: Scope) -> Standing:
    """A person of whom nothing is known but the state of the consent that is asked about.

    `stop` is what a STOP covers where they are.
    """
    slot, before = (channel, purpose), at - timedelta(seconds=2)
    if status is Status.NONE:
        return Standing()
    if status is Status.PENDING:
        return Standing(pending={slot: Grant(before, "asked")})
    if status is Status.WITHDRAWN:
        no = Block(at - timedelta(seconds=1), "no", stop, Suppression.OPT_OUT, at)
        return Standing(granted={slot: Grant(before, "yes")}, blocks={no.slot: no})
    return Standing(granted={slot: Grant(before, "yes", expires_at=at if status is Status.EXPIRED else None)})


def _stop(person: Phone) -> Scope:
    return Scope.REVOKE_ALL if pack_of(person.country).revoke_all.value else Scope.ALL


def _some_sender(person: Phone, channel: Channel, purpose: Purpose, *, two_way: bool) -> Sender:
    """A sender that has all that it needs there: the question is about the message."""
    rules = pack_of(person.country).rules(channel, purpose, person.subdivisions)
    return Sender(
        id="sender",
        brand="brand",
        channel=channel,
        carrier=Carrier.SANDBOX,
        address="+10000000000",
        countries=frozenset({person.country}),
        registrations=frozenset(entry for rule in rules.senders for entry in rule.registrations),
        two_way=two_way,
    )


def _told(made: Decision, person: Phone) -> str:
    lines = [f"{made.verdict}{f' until {shown(made.until)}' if made.until else ''}"]
    for reason in made.reasons:
        until = f" (until {shown(reason.until)})" if reason.until else ""
        lines += [f"  {reason.effect}: {reason.code}{until}", f"    {reason.detail}"]
        lines.append(f"    rule {reason.rule}{': ' + ', '.join(reason.sources) if reason.sources else ''}")
    lines += [f"  relaxed by the brand: {reason.rule}: {reason.detail}" for reason in made.relaxed]
    lines.append(f"judged at {shown(made.decided_at)} by pack {made.pack} {made.pack_version}")
    zones = ", ".join(person.time_zones) or "none known"
    lines.append(f"a {person.line_type} number of {person.country}; time zones: {zones}")
    return "\n".join(lines)
