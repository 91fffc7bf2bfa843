"""How is all that is kept of a person shown to them? A page to read and print, from the JSON's own value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c2430}"
    "h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2rem}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:start;vertical-align:top;padding:.4rem .6rem;"
    "border-bottom:1px solid #d5dae1}th{font-weight:600}td{overflow-wrap:anywhere}"
    "@media print{body{margin:0;font-size:11pt}tr{break-inside:avoid}}"
)


def page(kept: Mapping[str, Any]) -> str:
    """The value of `izin.aws.dossier.gather` as a page in English, without any script."""
    parts = [
        f"<h1>What is kept of you</h1><p>Made on {escape(kept['generated_at'])}. Under the pseudonym "
        f"<code>{escape(', '.join([kept['recipient_id'], *kept['also_known_as']]))}</code>; known addresses: "
        f"{escape(', '.join(kept['addresses']) or 'none')}.</p>",
    ]
    if kept["erased"]:
        parts.append(
            "<p>Your number, your texts and the evidence were erased; what follows holds none of them.</p>"
        )
    for brand in kept["brands"]:
        parts.append(f"<h2>{escape(brand['brand'])}: what you agreed to</h2>")
        parts.append(_table(("Channel", "Purpose", "Now"), (_consent(one) for one in brand["consents"])))
        parts.append(f"<h2>{escape(brand['brand'])}: what you said</h2>")
        parts.append(_table(("When", "What", "How", "Details"), (_event(one) for one in brand["events"])))
    parts.append("<h2>What was sent to you</h2>")
    parts.append(
        _table(("When", "For", "What became of it", "Text"), (_message(one) for one in kept["messages"]))
    )
    parts.append(f"<h2>Your rights</h2><p>{_RIGHTS}</p>")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>What is kept of you</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f"<body>{''.join(parts)}</body></html>"
    )


_RIGHTS = (
    "The data serves to send you only what you agreed to, and to prove that; it goes to the carriers that"
    " deliver the messages. You may object to promotions at any time and at once, have mistakes corrected,"
    " have your data erased, and complain to your data protection authority. A note that you want no"
    " promotions is kept for good, under the pseudonym alone."
)


def _consent(consent: Mapping[str, Any]) -> tuple[str, ...]:
    return consent["channel"], consent["purpose"], consent["status"]


def _event(event: Mapping[str, Any]) -> tuple[str, ...]:
    shown = {**event.get("details", {}), **event["personal"]}
    told = "; ".join(f"{name}: {value}" for name, value in shown.items())
    what = event["type"].replace("_", " ") + "".join(f", {purpose}" for purpose in event.get("purposes", ()))
    return event["given_at"], what, f"{event['channel']}, {event['source']}", told


def _message(message: Mapping[str, Any]) -> tuple[str, ...]:
    for_ = f"{message['brand']}, {message['purpose']}, {message['channel']}"
    return message["history"][0]["at"], for_, message["status"], message["personal"].get("text", "")


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    found = list(rows)
    if not found:
        return "<p>Nothing.</p>"
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in found
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
