"""Build `docs/audit.md`: every query of the auditors with what it answers to a sample of exports.

    python tools/build_audit.py

`tests/unit/test_queries.py` fails when the page is not current.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import sample_exports
from izin.commands.query import table
from izin.commands.rates import measured
from izin.queries import catalog, local, rates
from izin.queries.catalog import Query

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "audit.md"
PICTURE = ROOT / "docs" / "opt-out-rates.svg"
TEXT = ROOT / "tools" / "audit.template.md"
ARGUMENTS = {"as_of": "2026-11-24T00:00:00.000Z", "recipient_id": sample_exports.ANNA}


def main() -> None:
    """Write the page and its picture."""
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")


def pages() -> dict[Path, str]:
    """The text that people wrote, then each query with its answer; and the picture of the rates."""
    with tempfile.TemporaryDirectory() as folder:
        sample_exports.export(Path(folder))
        with local.opened(Path(folder), ("ledger", "messages")) as database:
            parts = [_part(query, database) for query in catalog.queries().values()]
        found = measured(Path(folder))
    shown = table(("by", "value", "opted out"), [(rate.by, rate.value, rates.said(rate)) for rate in found])
    parts.append(f"## Opt-out rates\n\n```\nizin rates --svg opt-out-rates.svg\n{shown}\n```\n\n{_PICTURE}")
    return {
        PAGE: TEXT.read_text("utf-8") + "\n" + "\n".join(parts),
        PICTURE: rates.picture(found),
    }


_PICTURE = "![Opt-outs by what they followed, and the reasons that people gave](opt-out-rates.svg)\n"


def _part(query: Query, database: local.Database) -> str:
    arguments = {name: ARGUMENTS[name] for name in query.parameters}
    found = local.ask(database, query, arguments)
    given = "".join(f" --parameter {name}={value}" for name, value in arguments.items())
    answer = table(found.columns, found.rows)
    return f"## {query.title}\n\n{query.notes}\n\n```\nizin query {query.name}{given}\n{answer}\n```\n"


if __name__ == "__main__":
    main()
