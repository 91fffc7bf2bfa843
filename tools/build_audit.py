"""Build `docs/audit.md`: every query of the auditors with what it answers to a sample of exports.

    python tools/build_audit.py

`tests/unit/test_queries.py` fails when the page is not current.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import sample_exports
from izin.commands.query import table
from izin.queries import catalog, local
from izin.queries.catalog import Query

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "audit.md"
TEXT = ROOT / "tools" / "audit.template.md"
ARGUMENTS = {"as_of": "2026-11-24T00:00:00.000Z", "recipient_id": sample_exports.ANNA}


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")


def page() -> str:
    """What the page says: the text that people wrote, then each query with its answer."""
    with tempfile.TemporaryDirectory() as folder:
        sample_exports.export(Path(folder))
        with local.opened(Path(folder), ("ledger", "messages")) as database:
            parts = [_part(query, database) for query in catalog.queries().values()]
    return TEXT.read_text("utf-8") + "\n" + "\n".join(parts)


def _part(query: Query, database: local.Database) -> str:
    arguments = {name: ARGUMENTS[name] for name in query.parameters}
    found = local.ask(database, query, arguments)
    given = "".join(f" --parameter {name}={value}" for name, value in arguments.items())
    answer = table(found.columns, found.rows)
    return f"## {query.title}\n\n{query.notes}\n\n```\nizin query {query.name}{given}\n{answer}\n```\n"


if __name__ == "__main__":
    main()
