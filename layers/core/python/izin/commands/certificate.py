"""What shows a stranger that this person agreed? The certificate, from the API, as a file."""

from __future__ import annotations

import argparse
import urllib.parse
from pathlib import Path

from izin.commands.api import add_api, get
from izin.commands.arguments import Commands, Unanswerable


def add(commands: Commands) -> None:
    """`izin certificate`."""
    wanted = commands.add_parser("certificate", help="the certificate of a person's consent, as a file")
    wanted.add_argument("recipient_id", help="what POST /v1/recipients/lookup answered")
    wanted.add_argument("--brand", help="needed with a key of all brands")
    wanted.add_argument("--out", type=Path, required=True, help="a file that ends in .html or .json")
    add_api(wanted)
    wanted.set_defaults(run=_certificate)


def _certificate(asked: argparse.Namespace) -> int:
    if not asked.api or not asked.key:
        raise Unanswerable("name the API and a key of scope read: --api, --key, or IZIN_API, IZIN_KEY")
    form = asked.out.suffix.removeprefix(".")
    if form not in ("html", "json"):
        raise Unanswerable(f"--out: {asked.out} ends in neither .html nor .json; a browser prints the first")
    query = {"format": form, **({"brand": asked.brand} if asked.brand else {})}
    path = f"/v1/recipients/{urllib.parse.quote(asked.recipient_id, safe='')}/certificate"
    body = get(asked, f"{path}?{urllib.parse.urlencode(query)}")
    try:
        asked.out.write_bytes(body)
    except OSError as error:
        raise Unanswerable(f"--out: {error}") from None
    print(f"{asked.out}: {len(body)} bytes")
    return 0
