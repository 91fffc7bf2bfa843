"""What do the packs say, read by somebody in no hurry? A second engine that shares no code with the first.

It reads the TOML files itself, looks at every minute of a wall clock, and at every instant on its way
to the next one that is permitted. What it is asked about are plain values.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from tests.rules import hours, texts
from tests.rules.asked import Answer, Asked, No, Reason, Rule, Yes
from tests.rules.hours import PACKS


def answer(asked: Asked) -> Answer:
    """What the gate should say."""
    all_rules = list(_merged(asked))
    waived = [r for r in all_rules if r["rule"] in asked.relax and _relaxable(r)]
    rules = [r for r in all_rules if r not in waived]
    reasons = set(_about_the_person(asked)) | set(_asks(rules, asked))
    waits, until = hours.timing(rules, asked, asked.now)
    resting = asked.rests_until and asked.channel == "whatsapp" and asked.now < asked.rests_until
    if resting and asked.purpose in ("marketing", "announcement"):
        waits.add(("cap_reached", "WHATSAPP.back_off", "defer", asked.rests_until))
        if until:
            later, until = hours.timing(rules, asked, asked.rests_until)
            waits |= {reason for reason in later if reason[2] == "deny"}
    reasons |= waits
    free = [r for r in rules if r.get("check") == "free_form" and _is_free_form(asked)]
    for rule in free:
        if not asked.heard_at or (until or asked.now) >= asked.heard_at + hours.span(rule["within"]):
            reasons.add(("template_required", rule["rule"], "deny", None))
    if asked.expires_at and until and until >= asked.expires_at:
        reasons.add(("would_expire", "GLOBAL.message_expiry", "deny", None))
    effects = {effect for _, _, effect, _ in reasons}
    verdict = "deny" if "deny" in effects else "defer" if effects else "allow"
    relaxed = set[Reason]()
    if asked.relax:
        relaxed = set(_asks(waived, asked)) | hours.timing(waived, asked, asked.now)[0]
    if verdict != "allow":
        return Answer(verdict, until if verdict == "defer" else None, reasons, relaxed, None)
    ends = [hours.closes(rules, asked), asked.expires_at]
    ends += [asked.heard_at + hours.span(rule["within"]) for rule in free if asked.heard_at]
    return Answer(verdict, None, reasons, relaxed, min((at for at in ends if at), default=None))


# ---- which rules hold


@cache
def _files() -> dict[str, dict[str, Any]]:
    read = (tomllib.loads(path.read_text("utf-8")) for path in sorted(PACKS.glob("*.toml")))
    return {pack["id"]: pack for pack in read if isinstance(pack.get("id"), str)}


KINDS = ("denials", "windows", "caps", "consent", "contents", "templates", "senders")


def _rules_of(table: dict[str, Any]) -> Iterator[Rule]:
    for kind in KINDS:
        for rule in table.get(kind, ()):
            yield {**rule, "kind": kind}


def _merged(asked: Asked) -> Iterator[Rule]:
    files = _files()
    of_country = [pack for pack in files.values() if asked.country in pack.get("countries", ())]
    pack = min(of_country, key=lambda pack: len(pack["countries"]), default=files["global"])
    found = [*_rules_of(files["global"]["shared"]), *_rules_of(files["whatsapp"]), *_rules_of(pack)]
    for region in pack.get("joins", ()):
        found += [r for r in _rules_of(files[region]) if r["rule"] not in pack.get("replaces", ())]
    found += _rules_of(tomllib.loads(asked.tighten))
    for rule in found:
        somewhere = rule.get("subdivisions", ())
        near = not somewhere or not asked.subdivisions or set(somewhere) & set(asked.subdivisions)
        channels = rule.get("channels", ["sms", "whatsapp"])
        if near and asked.channel in channels and asked.purpose in rule["purposes"]:
            yield rule


def _relaxable(rule: Rule) -> bool:
    return rule["severity"] in ("advice", "policy") and rule["kind"] != "denials"


# ---- what the person said


def _about_the_person(asked: Asked) -> Iterator[Reason]:
    if asked.channel == "sms" and not asked.textable:
        yield "number_class", "GLOBAL.number_class", "deny", None
    if asked.suspended:
        yield "sender_suspended", "GLOBAL.sender.suspended", "deny", None
    block = _block(asked)
    if block:
        code = "do_not_contact" if block.do_not_contact else "opted_out"
        yield code, f"GLOBAL.{'do_not_contact' if block.do_not_contact else 'opt_out'}", "deny", None
    if asked.purpose == "marketing" and asked.unclear:
        clear = [yes.given_at for yes in (asked.granted, asked.opted_in) if yes]
        if all(asked.unclear >= at for at in clear):
            yield "reply_unclear", "GLOBAL.reply_unclear", "deny", None


def _covers(no: No, asked: Asked, essential: bool) -> bool:
    if no.channel and (no.channel != asked.channel or asked.purpose not in no.purposes):
        return False
    if asked.purpose == "authentication":
        return False
    if asked.purpose == "transactional" and essential:
        return no.scope == "revoke_all"
    return asked.purpose == "marketing" or no.scope != "marketing"


def _ended(no: No, yeses: Iterable[Yes | None]) -> bool:
    for yes in yeses:
        at = yes and (yes.by_person_at if no.do_not_contact else yes.given_at)
        if at and at > no.given_at:
            return True
    return False


def _block(asked: Asked) -> No | None:
    essential = asked.essential and asked.based
    noes = [no for no in asked.noes if _covers(no, asked, essential)]
    left = [no for no in noes if not _ended(no, (asked.granted, asked.opted_in))]
    return max(left, key=lambda no: (no.do_not_contact, no.given_at), default=None)


def _status(asked: Asked) -> str:
    def stands(yes: Yes) -> bool:
        noes = [no for no in asked.noes if _covers(no, asked, essential=False)]
        return all(_ended(no, (yes, asked.opted_in)) for no in noes)

    for yes, status in ((asked.granted, "granted"), (asked.pending, "pending")):
        if yes and stands(yes) and (yes.expires_at is None or asked.now < yes.expires_at):
            return status
    known = [yes for yes in (asked.granted, asked.pending) if yes]
    if not known:
        return "none"
    return "expired" if stands(max(known, key=lambda yes: yes.given_at)) else "withdrawn"


# ---- what is asked at whatever hour


def _asks(rules: list[Rule], asked: Asked) -> Iterator[Reason]:
    known = [tag for r in rules if r.get("check") == "opt_out" for tag in r.get("languages", texts.LANGUAGES)]
    for rule in rules:
        code: str | None = None
        match rule["kind"]:
            case "denials":
                code = rule["code"]
            case "consent":
                code = _lacking(rule.get("needs", "none"), asked)
            case "senders":
                for _ in range(_sender_faults(rule, asked)):
                    code = "sender_not_registered"
            case "contents" if asked.text:
                code = texts.fault(rule, asked.text, asked, known)
        if code:
            yield code, rule["rule"], "deny", None


def _lacking(needs: str, asked: Asked) -> str | None:
    status = _status(asked)
    if needs == "basis":
        return None if asked.based else "basis_missing"
    if needs == "none" or status == "granted":
        return None
    if needs == "consent_or_basis":
        return None if asked.based else "basis_missing"
    if status in ("none", "withdrawn"):
        return None if _block(asked) else "no_consent"
    return f"consent_{status}"


def _sender_faults(rule: Rule, asked: Asked) -> int:
    faults = int(bool(rule.get("registered")) and asked.country not in asked.registered)
    if not re.fullmatch(r"\+?\d+", asked.address):
        faults += len(asked.address) > rule.get("max_length", 1000)
        faults += "name" in rule and not re.fullmatch(rule["name"], asked.address)
    return faults + any(entry not in asked.registrations for entry in rule.get("registrations", ()))


def _is_free_form(asked: Asked) -> bool:
    return asked.text is not None and asked.variables is None
