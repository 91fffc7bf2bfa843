"""What does the person want from this brand? Their page: stop in one press, and everything after that."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit, single_metric
from izin.aws import acts, http, ledger, pages, registry, state
from izin.aws.http import Answer, Problem
from izin.aws.pages import Page
from izin.aws.runtime import Runtime, runtime
from izin.aws.state import State
from izin.domain import preferences, prompts
from izin.domain.consent import Basis, Scope, Suppression
from izin.domain.events import Event, EventType
from izin.domain.message import Channel, Purpose
from izin.domain.pack import pack_of
from izin.domain.preferences import Offer
from izin.domain.times import from_text, to_millisecond
from izin.page import html, texts
from izin.page.html import Act, Notice
from izin.page.view import SOURCE, Person, view

logger = Logger()

_FORM_LIMIT = 4096
_FORM = "application/x-www-form-urlencoded"
_CHANGES_A_DAY = 30  # towards one brand; after that only an opt-out is taken
_NOBODY = "-"


def handler(event: dict[str, Any], _context: object) -> Answer:
    """`GET`, `HEAD` and `POST /p/{token}`."""
    return answer(runtime(), event)


def answer(rt: Runtime, event: http.Event) -> Answer:
    """A page, whatever happens: who stands before it is a person."""
    try:
        said = _press(rt, event) if event["routeKey"].startswith("POST") else _show(rt, event)
    except Exception as error:  # noqa: BLE001 (the person is told, and nothing of it is logged)
        logger.error("unexpected", extra=http.described(error))
        said = _page(HTTPStatus.INTERNAL_SERVER_ERROR, html.trouble(texts.choose(*_accepted(event))))
    return {**said, "body": ""} if event["routeKey"].startswith("HEAD") else said


@dataclass(frozen=True, slots=True)
class _Seen:
    """The person behind a token, with what it takes to write down what they do."""

    page: Page
    person: Person
    state: State
    key: bytes = field(repr=False)


def _show(rt: Runtime, event: http.Event) -> Answer:
    """The page as things stand. Nothing is written, so whoever follows links for others changes nothing."""
    now = to_millisecond(rt.now())
    seen = _gather(rt, event, now)
    if seen is None:
        return _unknown(event)
    told = event.get("rawQueryString", "")
    notice = Notice(told) if told in set(Notice) else None
    return _page(HTTPStatus.OK, html.page(view(seen.person, now, notice)))


def _press(rt: Runtime, event: http.Event) -> Answer:
    """Do what the pressed button says, then lead to the page as it stands afterwards.

    Only a form with a button's own value does anything: a bare POST, or a form sent without a press,
    shows the page again.
    """
    now = to_millisecond(rt.now())
    seen = _gather(rt, event, now)
    if seen is None:
        return _unknown(event)
    form = _form(event)
    match form.get("act", [""])[-1]:
        case Act.OPT_OUT:
            _stop(rt, seen, now)
            notice = None
        case Act.RESUBSCRIBE:
            notice = _come_back(rt, seen, form, now)
        case Act.REASON:
            notice = _explain(rt, seen, form, now)
        case Act.PREFERENCES:
            notice = _prefer(rt, seen, form, now)
        case _:
            return _page(HTTPStatus.BAD_REQUEST, html.page(view(seen.person, now)))
    if notice is Notice.LIMITED:
        return _page(HTTPStatus.TOO_MANY_REQUESTS, html.page(view(seen.person, now, notice)))
    where = event["pathParameters"]["token"] + (f"?{notice}" if notice else "")
    return {
        "statusCode": int(HTTPStatus.SEE_OTHER),
        "headers": {**html.headers(), "location": where},
        "body": "",
    }


def _gather(rt: Runtime, event: http.Event, now: datetime) -> _Seen | None:
    """Two trips, for a token that leads nowhere too: how long it takes tells nothing."""
    page = pages.find(rt, event["pathParameters"]["token"], now)
    brand_id, recipient_id = (page.brand, page.recipient_id) if page else (_NOBODY, _NOBODY)
    brand_pk = registry.brand_key(brand_id)
    sender_pk = registry.sender_key(page.prompt.sender if page else _NOBODY)
    state_pk, company_pk = state.state_key(brand_id, recipient_id), state.company_key(recipient_id)
    found = registry.read(
        rt,
        [brand_pk, sender_pk],
        [(rt.state_table, state_pk), (rt.state_table, company_pk), (rt.keys_table, recipient_id)],
    )
    brand, key = registry.brand(found.get(brand_pk)), found.get(recipient_id)
    if page is None or brand is None or key is None:  # without a key the person was erased
        return None
    sender = registry.sender(found.get(sender_pk))
    known = state.read(brand_id, recipient_id, found.get(state_pk))
    pack = pack_of(page.country)
    words = texts.choose(page.language, *_accepted(event), pack.languages[0])
    ip = event.get("requestContext", {}).get("http", {}).get("sourceIp", "")
    person = Person(
        texts=words,
        brand=brand,
        sender=sender if sender and sender.brand == brand_id else None,
        pack=pack,
        country=page.country,
        channel=page.channel,
        standing=state.with_company(known, found.get(company_pk)),
        seq=known.seq,
        explained=_reason_id(page, known) in known.applied,
        evidence=_evidence(brand.name, words, ip),
    )
    return _Seen(page, person, known, bytes(key["key"]))


def _evidence(brand_name: str, words: texts.Texts, ip: str) -> dict[str, str]:
    """What a yes on this page can carry besides its wording, by the names that packs ask for."""
    return {
        "ip": ip,
        "seller": brand_name,
        "signature": f"pressed “{words.resubscribe}”",
        **dict.fromkeys(_OF_THE_PAGE, f"sha256:{'0' * 64}"),  # of the page, once it was shown
    }


_OF_THE_PAGE = ("copy", "screenshot")


def _shown(evidence: Mapping[str, str], shown: str) -> dict[str, str]:
    """The evidence with the page that the person saw, where it is asked for, and its hash by that name."""
    names = [name for name in _OF_THE_PAGE if name in evidence]
    digest = hashlib.sha256(shown.encode()).hexdigest()
    return {
        **evidence,
        **dict.fromkeys(names, f"sha256:{digest}"),
        **({"page": shown} if names else {}),
    }


def _form(event: http.Event) -> Mapping[str, Sequence[str]]:
    """The fields of a form; none for what is no form."""
    kind = event.get("headers", {}).get("content-type", "")
    if kind.partition(";")[0].strip().lower() != _FORM:
        return {}
    try:
        body = http.raw_body(event, _FORM_LIMIT).decode("utf-8", "replace")
        return parse_qs(body, max_num_fields=64)
    except (Problem, ValueError):
        return {}


def _stop(rt: Runtime, seen: _Seen, now: datetime) -> None:
    """Opt out of everything: what is stopped already stays so, and nothing is written again."""
    if preferences.stopped(seen.person.standing) and not seen.state.unrecorded:
        return
    pack, prompt = seen.person.pack, seen.page.prompt
    event = _event(
        seen,
        EventType.OPT_OUT,
        "opt-out",
        now,
        scope=Scope.REVOKE_ALL if pack.revoke_all.value else Scope.ALL,
        kind=Suppression.OPT_OUT,
        details=prompts.details(seen.page.country, prompt.sender, prompt),
    )
    acts.opt_out(rt, seen.page.brand, seen.page.recipient_id, _draft(seen, event))
    _count(Act.OPT_OUT)


def _come_back(rt: Runtime, seen: _Seen, form: Mapping[str, Sequence[str]], now: datetime) -> Notice | None:
    """A consent of its own, given to the sentence above the button."""
    if not _is_current(seen, form):
        return None
    if _is_busy(seen, now):
        return Notice.LIMITED
    person = seen.person
    if preferences.stopped(person.standing) and (offer := person.come_back(now)):
        _agree(rt, seen, person.channel, Purpose.MARKETING, person.agreement(), offer, now)
        _count(Act.RESUBSCRIBE)
    return Notice.BACK


def _prefer(rt: Runtime, seen: _Seen, form: Mapping[str, Sequence[str]], now: datetime) -> Notice | None:
    """What was unticked is refused, in any case; what was ticked is agreed to, if the page was current."""
    ticked, person = set(form.get("on", ())), seen.person
    choices = person.choices(now)
    refused: dict[Channel, list[Purpose]] = {}
    for (channel, purpose), choice in choices.items():
        if choice.on and f"{channel}:{purpose}" not in ticked:
            refused.setdefault(channel, []).append(purpose)
    for channel, purposes in refused.items():
        event = _event(
            seen,
            EventType.OPT_OUT,
            f"no-{channel}-{'-'.join(purposes)}",
            now,
            channel=channel,
            purposes=tuple(purposes),
            scope=Scope.ALL,
            kind=Suppression.OPT_OUT,
            details=prompts.details(seen.page.country, seen.page.prompt.sender, seen.page.prompt),
        )
        acts.opt_out(rt, seen.page.brand, seen.page.recipient_id, _draft(seen, event))
    _count(Act.PREFERENCES)
    wanted = [slot for slot, choice in choices.items() if not choice.on and ":".join(slot) in ticked]
    if not wanted:
        return Notice.SAVED
    if _is_busy(seen, now):
        return Notice.LIMITED
    if not _is_current(seen, form):
        return None
    for channel, purpose in wanted:
        offer = choices[channel, purpose].offer
        if offer is not Offer.ELSEWHERE:
            _agree(rt, seen, channel, purpose, person.preference(channel, purpose), offer, now)
    return Notice.SAVED


def _agree(
    rt: Runtime, seen: _Seen, channel: Channel, purpose: Purpose, wording: str, offer: Offer, now: datetime
) -> None:
    person = seen.person
    pending = offer is Offer.BY_REPLY
    lifetime = person.pack.double_opt_in_expiry.value if pending else person.pack.lifetime(Basis.EXPRESS)
    captured = person.yes(channel, purpose, wording, now)
    event = _event(
        seen,
        EventType.CONSENT_PENDING if pending else EventType.CONSENT_GRANTED,
        f"yes-{channel}-{purpose}",
        now,
        channel=channel,
        purposes=(purpose,),
        expires_at=now + lifetime if lifetime else None,
        details={
            "wording": wording,
            "language": captured.language,
            "method": str(captured.method),
            "basis": str(captured.basis),
            "prechecked": "no",
            "condition_of_purchase": "no",
            "pack": f"{person.pack.id} {person.pack.version}",
            **_relaxed(person, channel, purpose),
        },
    )
    evidence = _shown(captured.evidence, html.page(view(person, now)))
    acts.record(rt, seen.page.brand, seen.page.recipient_id, _draft(seen, event, evidence))


def _relaxed(person: Person, channel: Channel, purpose: Purpose) -> dict[str, str]:
    """The demands on this consent that the brand's entry took away, for the ledger to show."""
    asking = person.brand.rules(person.pack, channel, purpose, ()).asking()
    names = sorted(rule.rule for rule in asking if rule.rule in person.brand.relax and rule.relaxable)
    return {"relaxed": ", ".join(names)} if names else {}


def _explain(rt: Runtime, seen: _Seen, form: Mapping[str, Sequence[str]], now: datetime) -> Notice | None:
    """One reason for an opt-out, kept beside it: the choice to be counted by, the words sealed."""
    reason = form.get("why", [""])[-1]
    if reason not in html.REASONS or not preferences.stopped(seen.person.standing):
        return None
    if seen.person.explained:
        return Notice.THANKS
    if _is_busy(seen, now):
        return Notice.LIMITED
    words = "".join(_printable(form.get("words", [""])[-1])).strip()[: html.REASON_LENGTH]
    details = {
        **prompts.details(seen.page.country, seen.page.prompt.sender, seen.page.prompt),
        "reason": reason,
    }
    event = _event(
        seen, EventType.REASON, "reason", now, details=details, id=_reason_id(seen.page, seen.state)
    )
    acts.record(
        rt, seen.page.brand, seen.page.recipient_id, _draft(seen, event, {"words": words} if words else {})
    )
    _count(Act.REASON)
    return Notice.THANKS


def _printable(text: str) -> Iterator[str]:
    return (char if char.isprintable() else " " for char in text)


def _event(seen: _Seen, type_: EventType, act: str, now: datetime, **fields: Any) -> Event:
    """An act on the page. From one state the same act has one id, so a press that is sent twice is one."""
    return Event(
        **{
            "id": _id(seen.page, f"{act}|{seen.state.seq}"),
            "type": type_,
            "given_at": now,
            "recorded_at": now,
            "address": seen.page.recipient_id,
            "channel": seen.page.channel,
            "source": SOURCE,
            **fields,
        }
    )


def _id(page: Page, what: str) -> str:
    return f"page-{hashlib.sha256(f'{page.pk}|{what}'.encode()).hexdigest()[:32]}"


def _reason_id(page: Page, known: State) -> str:
    """One reason per opt-out."""
    block = known.standing.blocking(page.channel, Purpose.MARKETING)
    return _id(page, f"reason|{block.event if block else ''}")


def _draft(seen: _Seen, event: Event, evidence: Mapping[str, str] | None = None) -> state.Draft:
    return ledger.draft(seen.key, seen.page.recipient_id, event, evidence or {})


def _is_current(seen: _Seen, form: Mapping[str, Sequence[str]]) -> bool:
    """Whether nothing was said since the page was shown: an old page's yes is no answer to a later no."""
    return form.get("seq", [""])[-1] == str(seen.state.seq)


def _is_busy(seen: _Seen, now: datetime) -> bool:
    """Whether so much was changed here today that it cannot be a person any more."""
    times = (entry["at"] for event, entry in seen.state.applied.items() if event.startswith("page-"))
    return sum(from_text(at) > now - timedelta(days=1) for at in times) >= _CHANGES_A_DAY


def _accepted(event: http.Event) -> tuple[str, ...]:
    return texts.accepted(event.get("headers", {}).get("accept-language", ""))


def _unknown(event: http.Event) -> Answer:
    return _page(HTTPStatus.NOT_FOUND, html.unknown(texts.choose(*_accepted(event))))


def _page(status: HTTPStatus, body: str) -> Answer:
    return {"statusCode": int(status), "headers": dict(html.headers()), "body": body}


def _count(act: Act) -> None:
    with single_metric(name="PageAct", unit=MetricUnit.Count, value=1) as metric:
        metric.add_dimension(name="act", value=str(act))
