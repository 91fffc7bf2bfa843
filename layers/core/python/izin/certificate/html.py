"""How is a certificate written down? One page of HTML that prints, without a script, every value escaped."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from functools import cache
from html import escape
from importlib import resources
from typing import Any

from izin.certificate.texts import both


@cache
def _style() -> str:
    return (resources.files("izin.certificate") / "style.css").read_text(encoding="utf-8")


@cache
def headers() -> Mapping[str, str]:
    """What goes with the page: nothing is run, fetched, framed or kept."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; frame-ancestors 'none'"
    return {
        "content-type": "text/html; charset=utf-8",
        "cache-control": "no-store",
        "content-security-policy": policy,
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }


def page(told: Mapping[str, Any]) -> str:
    """The value of `document` as a page."""
    language = told["language"]
    person = told["person"]
    body = [
        f"<header><h1>{_both(told['title'])}</h1></header>",
        _heading("who", language),
        _list(
            ("Pseudonym", _code(person["recipient_id"])),
            ("Number", escape(person.get("address", "kept sealed; not shown on this copy"))),
            ("Agreed with", f"{escape(person['brand']['name'])} ({escape(person['brand']['contact'])})"),
            ("Made at", _time(told["made_at"])),
        ),
        *(part for consent in told["consents"][-2:] for part in _consent(consent, language)),
        _heading("state", language),
        _table("now", ("Channel", "For", "Standing"), (_standing(one) for one in told["state"])),
        _heading("history", language),
        _table("history", ("", "When", "What", "Through", "Hash"), (_event(one) for one in told["history"])),
        _heading("proof", language),
        *_proof(told["proof"]),
        _heading("rules", language),
        _table("rules small", ("Rule", "Asks", "Rests on"), (_rule(one) for one in told["rules"])),
        _sources(told["rules"]),
    ]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(told["title"]["en"])}'
        f'</title><meta name="viewport" content="width=device-width"><style>{_style()}</style></head>'
        f"<body>{''.join(body)}</body></html>"
    )


def _consent(consent: Mapping[str, Any], language: str | None) -> Iterable[str]:
    wording = consent["wording"]
    text = wording["text"] or "The text is no longer kept; its hash is."
    version = f"{wording['id']}, version {wording['version']}; " if "id" in wording else ""
    yield _heading("shown", language)
    yield f'<blockquote lang="{escape(wording["language"] or "und")}">{escape(text)}</blockquote>'
    yield _list(
        ("Language", escape(wording["language"] or "unknown")),
        ("SHA-256 of the text", f"{escape(version)}{_code(wording['sha256'])}"),
    )
    yield _heading("did", language)
    yield _list(
        ("Act", _both(consent["method"])),
        ("When", f"{_time(consent['given_at'])}, recorded {_time(consent['recorded_at'])}"),
        ("Where", escape("; ".join(dict.fromkeys(consent["where"].values())))),
        ("Agreed to", f"{', '.join(map(_inline, consent['purposes']))}, by {escape(consent['channel'])}"),
        *_said("Box ticked beforehand", consent["prechecked"]),
        *_said("Condition of a purchase", consent["condition_of_purchase"]),
        *((("Lasts until", _time(consent["expires_at"])),) if "expires_at" in consent else ()),
    )
    yield _heading("evidence", language)
    yield _table(
        "pieces small",
        ("Kind", "Value", "Commitment in the ledger"),
        (_piece(one) for one in consent["evidence"]),
    )


def _piece(piece: Mapping[str, str]) -> tuple[str, ...]:
    value = piece.get("file") or piece.get("value")
    told = _code(value) if value else "on record, sealed under the person's key"
    return (
        escape(piece["name"].replace("_", " ")),
        told,
        _code(piece.get("commitment", "in the event itself")),
    )


def _said(label: str, value: str | None) -> Iterable[tuple[str, str]]:
    return [(label, escape(value))] if value else []


def _standing(one: Mapping[str, Any]) -> tuple[str, ...]:
    until = f" (until {_time(one['expires_at'])})" if "expires_at" in one else ""
    return escape(one["channel"]), _both(one["purpose"]), _both(one["status"]) + until


def _event(one: Mapping[str, Any]) -> tuple[str, ...]:
    silent = f"; silent from {_time(one['silent_from'])}" if "silent_from" in one else ""
    through = f"{escape(one['channel'])}: {escape(one['by'])}{silent}"
    return (
        str(one["seq"]),
        _time(one["given_at"]),
        _both(one["words"]),
        through,
        _code(one["hash"][:12] + "…"),
    )


def _proof(proof: Mapping[str, Any]) -> Iterable[str]:
    whole = "unbroken" if proof["verifies"] else f'<span class="bad">{escape(proof["fault"])}</span>'
    logged = proof.get("logged")
    yield _list(
        ("Chain", f"{proof['events']} events, {whole}"),
        ("Hash of the last event", _code(proof["head"])),
        *((("Logged", f"event {logged['seq']} as entry {logged['index']} of the log"),) if logged else ()),
        *((("Signed checkpoint", _code(logged["checkpoint"])),) if logged else ()),
    )
    yield (
        "<ol><li>Each event is hashed with the hash of the one before it, so none can be changed, dropped or "
        "put in later without changing the last hash above.</li><li>Ask the sender for this person's proof "
        "(<code>GET /v1/recipients/{id}/proof</code>) and for the log's public key; <code>izin verify</code> "
        "checks both without any network.</li><li>Hash the wording and the files (SHA-256) and compare."
        "</li></ol>"
    )


def _rule(one: Mapping[str, Any]) -> tuple[str, ...]:
    return _code(one["rule"]), escape(one["says"]), escape(", ".join(one["sources"]))


def _sources(rules: Iterable[Mapping[str, Any]]) -> str:
    cited = {row: told for one in rules for row, told in one["sources"].items()}
    told = "; ".join(f"<b>{escape(row)}</b> {escape(cite)}" for row, cite in sorted(cited.items()))
    return f'<p class="small">{told}.</p>'


def _heading(name: str, language: str | None) -> str:
    return f"<h2>{_both(both(name, language))}</h2>"


def _both(words: Mapping[str, str]) -> str:
    others = "".join(
        f'<i lang="{escape(language)}">{escape(text)}</i>'
        for language, text in words.items()
        if language != "en"
    )
    return f"{escape(words['en'])}{others}"


def _inline(words: Mapping[str, str]) -> str:
    others = "".join(f" ({escape(text)})" for language, text in words.items() if language != "en")
    return f"{escape(words['en'])}{others}"


def _list(*rows: tuple[str, str]) -> str:
    return "<dl>" + "".join(f"<dt>{escape(label)}</dt><dd>{told}</dd>" for label, told in rows) + "</dl>"


def _table(kind: str, names: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f'<table class="{kind}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _code(text: str) -> str:
    return f"<code>{escape(text)}</code>"


def _time(text: str) -> str:
    return f'<span class="time">{escape(text.replace("T", " ").replace("Z", " UTC"))}</span>'
