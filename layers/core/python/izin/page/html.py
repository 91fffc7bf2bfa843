"""How is the page written down? HTML from a view, every value escaped, and the headers that guard it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from html import escape
from importlib import resources
from urllib.parse import quote

from izin.domain.message import Channel, Purpose
from izin.domain.preferences import SLOTS, Choice
from izin.page.texts import Texts


class Act(StrEnum):
    """What a button of the page does: its value, which only a press of that button sends."""

    OPT_OUT = "opt_out"
    RESUBSCRIBE = "resubscribe"
    REASON = "reason"
    PREFERENCES = "preferences"


class Notice(StrEnum):
    """What just happened, told once."""

    THANKS = "thanks"
    SAVED = "saved"
    BACK = "back"
    LIMITED = "limited"


REASONS = ("too_many", "not_relevant", "never_asked", "other")
REASON_LENGTH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What is to be seen by one person, as their state stands.

    `stopped`: nothing that an opt-out can end is left. `resubscribe` is the sentence that they would
    agree to, None where it is not offered; `confirm` the word that they have yet to send and to whom.
    `seq` is the ledger's number of the last event that the view shows. `asks_why`: an opt-out has yet
    to be given a reason.
    """

    texts: Texts
    brand: str
    contact: str
    channel: Channel
    stopped: bool
    choices: Mapping[tuple[Channel, Purpose], Choice]
    seq: int
    resubscribe: str | None = None
    confirm: tuple[str, str] | None = None
    asks_why: bool = False
    notice: Notice | None = None


def page(view: View) -> str:
    """The page of somebody who is known."""
    t = view.texts
    initial = next((char for char in view.brand if char.isalnum()), "").upper()
    mark = f'<span aria-hidden="true">{escape(initial)}</span>'
    body = [
        f'<p class="brand">{mark}{_said("{brand}", brand=view.brand)}</p>',
        *_notice(view),
        *(_stopped(view) if view.stopped else _first(view)),
        _choices(view),
        f'<p class="foot quiet">{_said(t.contact, contact=view.contact)}</p>',
    ]
    title = (t.done if view.stopped else t.ask).format(brand=view.brand)
    return _document(t, title, body)


def unknown(t: Texts) -> str:
    """The page of whoever follows a link that leads nowhere: the same for every reason."""
    return _document(
        t, t.unknown, [f'<h1>{escape(t.unknown)}</h1><p class="quiet">{escape(t.unknown_more)}</p>']
    )


def trouble(t: Texts) -> str:
    """The page when something went wrong."""
    return _document(
        t, t.trouble, [f'<h1>{escape(t.trouble)}</h1><p class="quiet">{escape(t.trouble_more)}</p>']
    )


def _first(view: View) -> Iterable[str]:
    t = view.texts
    yield f"<h1>{_said(t.ask, brand=view.brand)}</h1>"
    yield f'<p class="quiet">{escape(t.ask_more)}</p>'
    yield f'<form method="post" class="act">{_button(Act.OPT_OUT, t.stop)}</form>'
    yield f'<p class="quiet">{escape(t.stop_means)}</p>'


def _stopped(view: View) -> Iterable[str]:
    t = view.texts
    yield '<p class="done" aria-hidden="true">✓</p>'
    yield f"<h1>{_said(t.done, brand=view.brand)}</h1>"
    yield f'<p class="quiet">{escape(t.done_more)}</p>'
    if view.asks_why:
        yield _why(t)
    if view.resubscribe:
        yield (
            f'<section class="card"><h2>{escape(t.back)}</h2><form method="post">{_seq(view)}'
            f'<p class="quiet">{escape(view.resubscribe)}</p>'
            f"{_button(Act.RESUBSCRIBE, t.resubscribe, second=True)}</form></section>"
        )


def _why(t: Texts) -> str:
    choices = "".join(
        f'<label class="choice"><input type="radio" name="why" value="{reason}" required>'
        f"{escape(getattr(t, reason))}</label>"
        for reason in REASONS
    )
    line = (
        f'<label class="line">{escape(t.own_words)}'
        f'<input type="text" name="words" maxlength="{REASON_LENGTH}" autocomplete="off"></label>'
    )
    return (
        f'<section class="card"><form method="post"><fieldset><legend>{escape(t.why)}</legend>{choices}'
        f"</fieldset>{line}{_button(Act.REASON, t.send, second=True)}</form></section>"
    )


def _choices(view: View) -> str:
    t = view.texts
    sets = "".join(_choices_of(view, purpose) for purpose in SLOTS)
    closed = any(not choice.can_change for choice in view.choices.values())
    there = f'<p class="quiet">{_said(t.only_there, brand=view.brand)}</p>' if closed else ""
    opened = " open" if view.notice is Notice.SAVED else ""
    return (
        f'<details class="card"{opened}><summary><span>{_said(t.choose, brand=view.brand)}</span></summary>'
        f'<form method="post">{_seq(view)}<p class="quiet">{escape(t.choose_more)}</p>{sets}{there}'
        f"{_button(Act.PREFERENCES, t.save, second=True)}</form></details>"
    )


def _choices_of(view: View, purpose: Purpose) -> str:
    boxes = "".join(_choice(view, channel, purpose) for channel in SLOTS[purpose])
    legend = f"<legend>{escape(getattr(view.texts, purpose))}</legend>"
    return f'<fieldset>{legend}<div class="choices">{boxes}</div></fieldset>'


def _choice(view: View, channel: Channel, purpose: Purpose) -> str:
    choice = view.choices[channel, purpose]
    marks = (" checked" if choice.on else "") + ("" if choice.can_change else " disabled")
    dim = "" if choice.can_change else " off"
    return (
        f'<label class="choice{dim}"><input type="checkbox" name="on" value="{channel}:{purpose}"{marks}>'
        f"{escape(getattr(view.texts, channel))}</label>"
    )


def _notice(view: View) -> Iterable[str]:
    t = view.texts
    if view.confirm:
        word, sender = view.confirm
        yield f'<p class="notice" role="status"><span>{_said(t.confirm, word=word, sender=sender)}</span></p>'
        if view.channel is Channel.SMS:
            link = f"sms:{quote(sender, safe='+')}?body={quote(word)}"
            yield f'<p><a class="button" href="{link}">{_said(t.confirm_send, word=word)}</a></p>'
    elif view.notice:
        words = {
            Notice.THANKS: t.thanks,
            Notice.SAVED: t.saved,
            Notice.BACK: t.back_done.format(channel=getattr(t, view.channel)),
            Notice.LIMITED: t.limited,
        }
        yield f'<p class="notice" role="status">{escape(words[view.notice])}</p>'


def _seq(view: View) -> str:
    return f'<input type="hidden" name="seq" value="{view.seq}">'


def _button(act: Act, words: str, *, second: bool = False) -> str:
    look = ' class="second"' if second else ""
    return f'<button name="act" value="{act}"{look}>{escape(words)}</button>'


def _said(template: str, **values: str) -> str:
    """A template with values of whatever script: escaped, and kept from turning what stands around them."""
    return escape(template).format(**{name: f"<bdi>{escape(value)}</bdi>" for name, value in values.items()})


def _document(t: Texts, title: str, body: Iterable[str]) -> str:
    return (
        f'<!doctype html><html lang="{t.language}" dir="{t.direction}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="robots" content="noindex"><title>{escape(title)}</title><style>{_style()}</style>'
        f"</head><body><main>{''.join(body)}</main></body></html>"
    )


@cache
def _style() -> str:
    return (resources.files("izin.page") / "style.css").read_text(encoding="utf-8")


@cache
def headers() -> Mapping[str, str]:
    """What goes with every answer: nothing is run, kept, framed, indexed or told to another site."""
    style = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    policy = (
        "default-src 'none'",
        f"style-src 'sha256-{style}'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
    return {
        "content-type": "text/html; charset=utf-8",
        "cache-control": "no-store",
        "content-security-policy": "; ".join(policy),
        "referrer-policy": "no-referrer",
        "x-robots-tag": "noindex, nofollow, noarchive",
        "x-content-type-options": "nosniff",
        "strict-transport-security": "max-age=31536000",
    }
