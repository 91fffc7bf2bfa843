"""What does this reply mean, from a number there?"""

from __future__ import annotations

import argparse
import json

from izin.commands.arguments import Commands
from izin.commands.arguments import person as numbered
from izin.domain import keywords
from izin.domain.keywords import Intent, Reply

_SAYS = {
    Intent.OPT_OUT: "an opt-out",
    Intent.OPT_IN: "a start-word: what the person agreed to before holds again",
    Intent.HELP: "asks for help",
    Intent.CONFIRM: "a yes: it answers an open request, and nothing else",
    Intent.UNCLEAR: "may be an opt-out: marketing rests until a person has read it",
    Intent.NONE: "neither an opt-out nor anything else that the gate acts on",
}


def add(commands: Commands) -> None:
    """`izin intent`."""
    intent = commands.add_parser("intent", help="what does this reply mean? (offline)")
    intent.add_argument("text", help="the reply, as it arrived")
    intent.add_argument("--to", required=True, help="whose reply it is: E.164, such as +6281234567890")
    intent.add_argument("--json", action="store_true")
    intent.set_defaults(run=_intent)


def _intent(asked: argparse.Namespace) -> int:
    reply = keywords.read(asked.text, numbered(asked.to).country)
    if asked.json:
        body = {
            "intent": reply.intent,
            "scope": reply.scope if reply.intent is Intent.OPT_OUT else None,
            "matched": reply.matched,
            "language": reply.language,
        }
        print(json.dumps(body, indent=2, ensure_ascii=False))
    else:
        print(_told(reply))
    return 0


def _told(reply: Reply) -> str:
    said = _SAYS[reply.intent]
    if reply.intent is Intent.OPT_OUT:
        said += " from marketing alone" if reply.scope == "marketing" else " from all that STOP covers"
    if reply.matched is None:
        return said
    language = f", a word of {reply.language}" if reply.language else ", understood everywhere"
    return f"{said} (“{reply.matched}”{language})"
