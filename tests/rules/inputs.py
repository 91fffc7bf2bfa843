"""Random questions to the gate, each put to both engines."""

from __future__ import annotations

import random
import tomllib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache

from izin.domain import gate, phone
from izin.domain.consent import Block, Grant, Scope, Standing, Suppression
from izin.domain.contact import Contact
from izin.domain.gate import Decision
from izin.domain.history import Send
from izin.domain.message import Channel, Message, Purpose
from izin.domain.pack import RuleSet, heads, load, pack_of
from izin.domain.phone import Phone
from izin.domain.reasons import Reason
from izin.domain.registry import NOTHING, Brand, Carrier, Sender

from tests.rules import naive, texts
from tests.rules.asked import Asked, No, Yes

NUMBERS = (
    "+12125551234", "+13055551234", "+12055551234", "+16055551234", "+14805551234", "+19075551234",
    "+18085551234", "+19285551234", "+12085551234", "+15045551234", "+14015551234", "+17875551234",
    "+16715551234", "+14165551234", "+17095551234", "+13065551234", "+15145551234", "+16045551234",
    "+18675551234", "+5511987654321", "+5581987654321", "+5592987654321", "+5568987654321", "+5561987654321",
    "+6281234567890", "+622112345678", "+61412345678", "+61291234567", "+33612345678", "+4915112345678",
    "+447400123456", "+919812345678", "+66812345678", "+60123456789", "+6591234567", "+639171234567",
    "+34612345678", "+351912345678", "+393123456789", "+31612345678", "+48512345678", "+353851234567",
    "+255712345678", "+819012345670",
)  # fmt: skip
"""Every pack, and countries that have none; zones on both sides of the date line, and several at once."""

SEASONS = [
    datetime(*day, tzinfo=UTC)
    for day in (
        (2026, 3, 5),  # clocks go forward in North America, then in Europe; Eid
        (2026, 10, 28),  # back in North America; Veterans' Day
        (2026, 11, 18),  # Consciencia Negra, Thanksgiving
        (2026, 12, 20),  # Christmas on a Friday, Boxing Day on a Saturday, the year's end
        (2027, 2, 2),  # Carnaval
        (2027, 3, 20),  # Easter, Europe goes forward, Australia back
        (2028, 2, 25),  # a leap day
        (2031, 12, 22),  # the last days that calendars know
    )
]

TIGHTER = """
[[windows]]
rule = "BRAND.window.office"
severity = "policy"
sources = ["policy"]
note = "Two windows a day, and none on Sundays."
purposes = ["marketing", "announcement"]
openings = [
    { days = "mon-fri", opens = 09:00:00, closes = 12:00:00 },
    { days = "mon-fri", opens = 13:30:00, closes = 18:00:00 },
    { days = "sat", opens = 22:00:00, closes = 00:00:00 },
]

[[caps]]
rule = "BRAND.cap.week"
severity = "policy"
sources = ["policy"]
note = "Two a week, all purposes together, one where a day is a holiday."
purposes = ["marketing", "transactional", "announcement"]
limit = 2
period = "P7D"
holidays = ["public"]
holiday_limit = 1

[[caps]]
rule = "BRAND.cap.holiday"
severity = "policy"
sources = ["policy"]
note = "Nothing on a holiday."
purposes = ["announcement"]
limit = 9
period = "PT1H"
holidays = ["public"]
holiday_limit = 0
"""
"""A brand's own rules."""


@cache
def _tighten(source: str) -> RuleSet:
    return RuleSet.model_validate(tomllib.loads(source)) if source else NOTHING


@cache
def _people() -> list[Phone]:
    return [phone.parse(number) for number in NUMBERS]


@cache
def _relaxable() -> list[str]:
    return sorted({rule.rule for pack in heads() for rule in load(pack).all() if rule.relaxable})


def question(rng: random.Random) -> tuple[Phone, Asked]:
    """A person, and a question about a message to them."""
    person = rng.choice(_people())
    if rng.random() < 0.1:
        person = person.declared("America/Denver", rng.choice((None, "FL", "AL")))
    elif rng.random() < 0.02:  # nobody lives so, but then no window has anything in common
        person = replace(person, time_zones=rng.choice((("America/Los_Angeles", "Pacific/Kiritimati"), ())))
    now = rng.choice(SEASONS) + timedelta(seconds=rng.randrange(14 * 86400))
    now = rng.choice((now, now.replace(minute=rng.choice((0, 30)), second=0), now.replace(microsecond=1)))

    def before(hours: int) -> datetime:
        return now - timedelta(seconds=rng.randrange(1, hours * 3600))

    def yes() -> Yes:
        by_person = rng.choice((None, before(400)))
        return Yes(
            before(400), by_person, rng.choice((None, now, now + timedelta(hours=rng.randrange(-9, 9))))
        )

    channel = rng.choice(("sms", "sms", "whatsapp"))
    purpose = str(rng.choice(list(Purpose)))
    expires = rng.choice((None, None, now + timedelta(minutes=rng.randrange(-60, 3000))))
    asked = Asked(
        now,
        channel,
        purpose,
        person.country,
        person.time_zones,
        person.subdivisions,
        person.textable,
        rng.choice((None, *texts.TEXTS)),
        rng.choice((None, "en", "id", "pt-BR", "th")),
        rng.choice((None, None, 0, 2, 3, 6)),
        rng.random() < 0.5,
        rng.random() < 0.4,
        expires,
    )
    asked.heard_at = before(48) if rng.random() < 0.5 else None
    asked.sends = [
        (before(rng.choice((1, 24, 24 * 31))), rng.choice((purpose, purpose, "marketing")), channel)
        for _ in range(rng.choice((0, 0, 1, 2, 3, 5, 11)))
    ]
    asked.tighten = TIGHTER if rng.random() < 0.2 else ""
    asked.registered, asked.registrations = frozenset((person.country,)), frozenset(_ENTRIES)
    asked.relax = frozenset(rng.sample(_relaxable(), rng.choice((0, 0, 0, 4, 40))))
    if rng.random() < 0.4:  # nothing but the time is in the way
        asked.granted, asked.text, asked.based = Yes(before(400)), None, True
        return person, asked
    asked.granted = yes() if rng.random() < 0.75 else None
    asked.pending = yes() if rng.random() < 0.2 else None
    asked.opted_in = Yes(before(400), rng.choice((None, before(400)))) if rng.random() < 0.15 else None
    for kept in {
        (scope, hard, where): No(before(400), scope, hard, where, (purpose,) if where else ())
        for scope, hard, where in rng.choices(_NOES, k=rng.choice((0, 0, 0, 1, 2)))
    }.values():
        asked.noes.append(kept)
    asked.unclear = before(400) if rng.random() < 0.1 else None
    asked.brand = rng.choice(("ShopX", "ShopX", ""))
    asked.registered = frozenset(rng.choice(((person.country,), (person.country,), ("US",))))
    asked.registrations = frozenset(rng.choice((_ENTRIES, _ENTRIES, ("ssir",))))
    asked.address = rng.choice(("+10000000000", "95123", "SHOPXX", "ShopX Indonesia"))
    asked.two_way, asked.suspended = rng.random() < 0.7, rng.random() < 0.05
    asked.rests_until = now + timedelta(hours=rng.randrange(-5, 60)) if rng.random() < 0.2 else None
    return person, asked


_NOES = [(str(scope), hard, None) for scope in Scope for hard in (False, True)]
_NOES += [("all", False, channel) for channel in ("sms", "whatsapp")]
_ENTRIES = ("10dlc_brand", "10dlc_campaign", "dlt_entity", "dlt_header", "ssir", "sender_id_register")


def decide(person: Phone, asked: Asked) -> Decision:
    """What the product says."""
    channel, purpose = Channel(asked.channel), Purpose(asked.purpose)
    slot = (channel, purpose)

    def grant(yes: Yes | None) -> Grant:
        assert yes
        return Grant(yes.given_at, f"{yes.given_at}", yes.by_person_at, yes.expires_at)

    blocks = {}
    for no in asked.noes:
        kind = Suppression.DO_NOT_CONTACT if no.do_not_contact else Suppression.OPT_OUT
        where = Channel(no.channel) if no.channel else None
        purposes = tuple(map(Purpose, no.purposes))
        block = Block(no.given_at, "no", Scope(no.scope), kind, asked.now, False, where, purposes)
        blocks[block.slot] = block
    standing = Standing(
        granted={slot: grant(asked.granted)} if asked.granted else {},
        pending={slot: grant(asked.pending)} if asked.pending else {},
        blocks=blocks,
        opted_in={channel: grant(asked.opted_in)} if asked.opted_in else {},
        unclear=Grant(asked.unclear, "unclear") if asked.unclear else None,
    )
    message = Message(
        brand="shopx",
        sender="shopx-1",
        channel=channel,
        purpose=purpose,
        text=asked.text.text if asked.text else None,
        variables=asked.variables,
        language=asked.language,
        basis={"transaction": "1"} if asked.based else None,
        essential=asked.essential,
        expires_at=asked.expires_at,
    )
    brand = Brand(
        id="shopx",
        name=asked.brand,
        contact="help@shopx.example",
        approved_domains=texts.APPROVED,
        tighten=_tighten(asked.tighten),
        relax=asked.relax,
    )
    sender = Sender(
        id="shopx-1",
        brand="shopx",
        channel=channel,
        carrier=Carrier.SANDBOX,
        address=asked.address,
        countries=asked.registered,
        registrations=asked.registrations,
        two_way=asked.two_way,
        suspended=asked.suspended,
    )
    sends = [Send(at, Purpose(what), Channel(where), n) for n, (at, what, where) in enumerate(asked.sends)]
    contact = Contact(asked.heard_at, asked.rests_until)
    pack = pack_of(person.country)
    return gate.decide(message, person, standing, sends, brand, sender, pack, asked.now, contact)


def differences(seed: int) -> list[str]:
    """How the two engines differ on the question of that seed; empty where they agree."""
    person, asked = question(random.Random(seed))
    made, told = decide(person, asked), naive.answer(asked)
    pairs = {
        "verdict": (str(made.verdict), told.verdict),
        "until": (made.until, told.until),
        "reasons": (_plain(made.reasons), told.reasons),
        "relaxed": (_plain(made.relaxed), told.relaxed),
        "valid_until": (made.valid_until, told.valid_until),
    }
    return [
        f"seed {seed}: {what}: {_shown(*pair)} for {asked}"
        for what, pair in pairs.items()
        if pair[0] != pair[1]
    ]


def _plain(reasons: tuple[Reason, ...]) -> set[tuple[str, str, str, datetime | None]]:
    return {(str(r.code), r.rule, str(r.effect), r.until) for r in reasons}


def _shown(product: object, second: object) -> str:
    if isinstance(product, set) and isinstance(second, set):
        return f"only the product: {product - second}, only the second: {second - product}"
    return f"{product}, not {second}"
