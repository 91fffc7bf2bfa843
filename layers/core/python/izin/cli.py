"""The `izin` command: ask the rules without any store, register who speaks, and verify a ledger.

`check` and `verify` need no network. `apply` talks to the API; `key` writes to the registry table
with the operator's own AWS credentials; `local` works on the stack that runs on this machine.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import tomllib
import urllib.error
import urllib.parse
import urllib.request
import zoneinfo
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from izin import answers
from izin.domain import chain, gate, phone, week
from izin.domain.consent import Block, Grant, Scope, Standing, Status, Suppression
from izin.domain.gate import Decision
from izin.domain.history import Send
from izin.domain.message import SENT_CHANNELS, Channel, Message, Purpose
from izin.domain.pack import explain, not_relaxable, pack_of
from izin.domain.phone import InvalidNumber, Phone
from izin.domain.registry import Brand, Carrier, Sender
from izin.domain.times import from_text, shown

VERIFIED, TAMPERED, UNREADABLE = 0, 1, 2


class Unanswerable(Exception):
    """A command that cannot be carried out; its text says why and what to do."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 2 for what cannot be carried out."""
    zoneinfo.reset_tzpath(to=[])  # the pinned tzdata, never the older one of the machine
    asked = _parser().parse_args(arguments)
    try:
        status: int = asked.run(asked)
    except Unanswerable as error:
        print(f"izin {asked.command}: {error}", file=sys.stderr)
        return UNREADABLE
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="izin", description="The consent gate for SMS and WhatsApp.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    check = commands.add_parser("check", help="what would the gate say? (offline)")
    check.add_argument("--to", required=True, help="E.164, such as +6281234567890")
    check.add_argument("--purpose", required=True, choices=list(map(str, Purpose)))
    check.add_argument("--channel", required=True, choices=sorted(map(str, SENT_CHANNELS)))
    check.add_argument("--at", type=_instant, help="RFC 3339 with an offset; now if left out")
    check.add_argument("--consent", default="none", choices=list(map(str, Status)))
    check.add_argument("--text", help="without it everything but content is judged")
    check.add_argument("--language")
    check.add_argument("--brand", default="", help="the name that the text must show")
    check.add_argument("--expires", type=_instant, help="without it no expiry is judged")
    check.add_argument("--essential", action="store_true")
    check.add_argument("--basis", help="the transaction that the message belongs to")
    check.add_argument("--variables", type=int, help="of the template that the text was made from")
    check.add_argument(
        "--relax", action="append", default=[], help="a rule that the brand relaxes; repeatable"
    )
    check.add_argument("--time-zone", help="where the person verifiably is, such as America/Denver")
    check.add_argument("--subdivision", help="the state that the person verifiably is in, such as FL")
    check.add_argument("--sent", type=_instant, action="append", default=[], help="earlier send; repeatable")
    check.add_argument("--one-way", action="store_true", help="the sender receives no replies")
    check.add_argument("--json", action="store_true")
    check.set_defaults(run=_check)

    strip = commands.add_parser("windows", help="when may messages go to this number this week? (offline)")
    strip.add_argument("to", help="E.164, such as +5511987654321")
    strip.add_argument("--channel", default="sms", choices=sorted(map(str, SENT_CHANNELS)))
    strip.add_argument("--at", type=_instant, help="RFC 3339 with an offset; now if left out")
    strip.add_argument("--json", action="store_true")
    strip.set_defaults(run=_windows)

    rules = commands.add_parser("rules", help="what does a country ask, and where is that written? (offline)")
    rules.add_argument("country", help="ISO 3166, such as US")
    rules.add_argument("--purpose", required=True, choices=list(map(str, Purpose)))
    rules.add_argument("--channel", default="sms", choices=sorted(map(str, SENT_CHANNELS)))
    rules.add_argument(
        "--subdivision", action="append", default=[], help="a state alone, such as FL; repeatable"
    )
    rules.set_defaults(run=_rules)

    apply = commands.add_parser("apply", help="register brands, senders and templates from a TOML file")
    apply.add_argument("file", type=Path)
    _add_api(apply)
    apply.set_defaults(run=_apply)

    verify = commands.add_parser("verify", help="does a ledger show that nobody changed it? (offline)")
    verify.add_argument("file", type=Path, help="what GET /v1/recipients/{recipient_id}/ledger answered")
    verify.set_defaults(run=_verify)

    key = commands.add_parser("key", help="make an API key; it is shown once")
    key.add_argument("--table", required=True, help="the registry table's name")
    key.add_argument("--name", required=True, help="who will hold it")
    key.add_argument("--brand", required=True, help="the brand that it is bound to, or *")
    key.add_argument("--scopes", required=True, help="comma-separated, such as check,send,read")
    key.set_defaults(run=_key)

    local = commands.add_parser("local", help="the stack that `make run` started")
    clock = local.add_subparsers(dest="what", required=True).add_parser("clock", help="move its clock on")
    clock.add_argument("to", help="RFC 3339 with an offset")
    clock.set_defaults(run=_clock)
    return parser


def _add_api(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--api", default=os.environ.get("IZIN_API"), help="the API's address, or IZIN_API")
    parser.add_argument("--key", default=os.environ.get("IZIN_KEY"), help="an API key, or IZIN_KEY")


def _instant(text: str) -> datetime:
    try:
        instant = from_text(text)
    except (ValueError, OverflowError) as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if not 2000 <= instant.year < 2100:
        raise argparse.ArgumentTypeError("give a time between the years 2000 and 2099")
    return instant


def _person(number: str) -> Phone:
    try:
        return phone.parse(number)
    except InvalidNumber as error:
        raise Unanswerable(f"{error.code}: {error.remedy}") from None


def _windows(asked: argparse.Namespace) -> int:
    person, channel = _person(asked.to), Channel(asked.channel)
    if not person.time_zones:
        raise Unanswerable("nobody knows where this number is, so no hour is permitted")
    zone = person.time_zones[0]
    start = (asked.at or datetime.now(UTC)).astimezone(ZoneInfo(zone)).replace(hour=0, minute=0, second=0)
    start, pack = start.replace(microsecond=0), pack_of(person.country)
    days = [start.date() + timedelta(days=n) for n in range(7)]
    found = {}
    for purpose in Purpose:
        rules = pack.rules(channel, purpose, person.subdivisions)
        open_at, end = gate.schedules(rules, person), start + timedelta(days=7)
        found[purpose] = () if rules.denials else week.openings(open_at, person.time_zones, start, end)
    if asked.json:
        body = {
            str(purpose): [{"opens": shown(o.opens), "closes": shown(o.closes)} for o in openings]
            for purpose, openings in found.items()
        }
        print(json.dumps({"pack": pack.id, "time_zones": person.time_zones, "windows": body}, indent=2))
        return 0
    print(f"{pack.title}; time zones {', '.join(person.time_zones)}; the hours shown are those of {zone}")
    for purpose, openings in found.items():
        print(f"\n{purpose:14}  0     3     6     9     12    15    18    21    24")
        for day in days:
            print(f"  {day:%a %d %b}    {week.strip(openings, day, zone)}")
    return 0


def _rules(asked: argparse.Namespace) -> int:
    pack = pack_of(asked.country.upper())
    rules = pack.rules(Channel(asked.channel), Purpose(asked.purpose), tuple(asked.subdivision))
    print(f"{pack.title}, version {pack.version}: {asked.purpose} by {asked.channel}\n")
    print(explain(rules))
    return 0


def _check(asked: argparse.Namespace) -> int:
    if asked.time_zone and asked.time_zone not in available_timezones():
        raise Unanswerable(f"--time-zone: {asked.time_zone!r} is no zone of the tz database")
    for rule in asked.relax:
        if refusal := not_relaxable(rule):
            raise Unanswerable(f"--relax: {refusal}")
    person = _person(asked.to).declared(asked.time_zone, asked.subdivision)
    if asked.essential and not asked.basis:
        raise Unanswerable("--essential: an essential message names its --basis")
    at: datetime = asked.at or datetime.now(UTC)
    channel, purpose = Channel(asked.channel), Purpose(asked.purpose)
    made = gate.decide(
        Message(
            brand="brand",
            sender="sender",
            channel=channel,
            purpose=purpose,
            text=asked.text,
            variables=asked.variables,
            language=asked.language,
            basis={"transaction": asked.basis} if asked.basis else None,
            essential=asked.essential,
            expires_at=asked.expires,
        ),
        person,
        _standing(Status(asked.consent), channel, purpose, at),
        [Send(sent, purpose, channel, number) for number, sent in enumerate(asked.sent)],
        Brand(id="brand", name=asked.brand, contact="", relax=frozenset(asked.relax)),
        _some_sender(person, channel, purpose, two_way=not asked.one_way),
        pack_of(person.country),
        at,
    )
    if asked.json:
        print(json.dumps(answers.decision(made, None, person), ensure_ascii=False, indent=2))
    else:
        print(_told(made, person))
    return 0


def _standing(status: Status, channel: Channel, purpose: Purpose, at: datetime) -> Standing:
    """A person of whom nothing is known but the state of the consent that is asked about."""
    slot, before = (channel, purpose), at - timedelta(seconds=2)
    if status is Status.NONE:
        return Standing()
    if status is Status.PENDING:
        return Standing(pending={slot: Grant(before, "asked")})
    if status is Status.WITHDRAWN:
        no = Block(at - timedelta(seconds=1), "no", Scope.ALL, Suppression.OPT_OUT, at)
        return Standing(granted={slot: Grant(before, "yes")}, blocks={no.slot: no})
    return Standing(granted={slot: Grant(before, "yes", expires_at=at if status is Status.EXPIRED else None)})


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


def _apply(asked: argparse.Namespace) -> int:
    if not asked.api or not asked.key:
        raise Unanswerable("name the API and a key of scope admin: --api, --key, or IZIN_API, IZIN_KEY")
    try:
        wanted = tomllib.loads(asked.file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise Unanswerable(f"{asked.file}: {error}") from None
    unknown = sorted(set(wanted) - {"brands", "senders", "templates"})
    if unknown:
        raise Unanswerable(f"{asked.file}: unknown table {unknown[0]!r}; it takes brands, senders, templates")
    for kind, entries in wanted.items():
        if not isinstance(entries, dict) or not all(isinstance(body, dict) for body in entries.values()):
            raise Unanswerable(f"{asked.file}: {kind} holds tables by id, such as [{kind}.shopx]")
    refused = 0
    for kind in ("brands", "senders", "templates"):  # a sender needs its brand to be there
        for name, body in wanted.get(kind, {}).items():
            errors = _put(asked, f"/v1/{kind}/{urllib.parse.quote(name, safe='')}", body)
            print(f"{kind[:-1]} {name}: {'refused' if errors else 'applied'}")
            for found in errors:
                print(f"  {found['field']}: {found['code']}: {found['message']}")
            refused += bool(errors)
    return 1 if refused else 0


def _put(asked: argparse.Namespace, path: str, body: Any) -> list[dict[str, str]]:
    """Put one thing into the registry; the errors that it was refused with."""
    if not asked.api.startswith(("https://", "http://")):
        raise Unanswerable(f"--api: {asked.api!r} is no http address")
    headers = {"Authorization": f"Bearer {asked.key}", "Content-Type": "application/json"}
    data = json.dumps(body, default=str).encode()
    request = urllib.request.Request(asked.api.rstrip("/") + path, data, headers, method="PUT")  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=30):  # noqa: S310 (the scheme is checked above)
            return []
    except urllib.error.HTTPError as error:
        try:
            errors: list[dict[str, str]] = json.loads(error.read())["errors"]
        except (ValueError, KeyError):
            raise Unanswerable(f"{path}: the API answered {error.code}; is the key right?") from None
        return errors
    except OSError as error:
        raise Unanswerable(f"{asked.api} does not answer: {error}") from None


def _verify(asked: argparse.Namespace) -> int:
    try:
        ledger = json.loads(asked.file.read_text("utf-8"))
        events, head = list(ledger["events"]), ledger["head"]
        if not isinstance(head, str):
            raise TypeError("a ledger names its head")
        fault = chain.verify(events, head)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Unanswerable(f"{asked.file} holds no ledger: {type(error).__name__}") from None
    if fault:
        print(f"TAMPERED: {fault.problem}")
        return TAMPERED
    print(f"verified: {len(events)} events, head {head}")
    return VERIFIED


def _key(asked: argparse.Namespace) -> int:
    # Only here is AWS needed; without this the other commands start in half the time.
    import boto3

    from izin.aws import registry
    from izin.aws.runtime import Runtime

    scopes = asked.scopes.split(",")
    unknown = [scope for scope in scopes if scope not in registry.SCOPES]
    if unknown:
        raise Unanswerable(f"--scopes: {unknown[0]!r} is none of {', '.join(registry.SCOPES)}")
    rt = Runtime(dynamodb=boto3.client("dynamodb"), sqs=None, registry_table=asked.table)
    print(registry.new_api_key(rt, asked.name, asked.brand, scopes))
    return 0


def _clock(asked: argparse.Namespace) -> int:
    sys.path.insert(0, str(Path(__file__).resolve().parents[4]))  # the checkout, where there is one
    try:
        local = importlib.import_module("infra.local")
    except ModuleNotFoundError:
        raise Unanswerable("there is no local stack where this is deployed") from None
    try:
        print(f"it is now {shown(local.set_clock(asked.to))}")
    except local.LocalError as error:
        raise Unanswerable(str(error)) from None
    return 0


if __name__ == "__main__":
    sys.exit(main())
