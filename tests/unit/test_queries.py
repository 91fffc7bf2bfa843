"""The auditors' queries find what is wrong in a sample and nothing else, here and by Athena's grammar."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

import pytest
import sqlglot
from izin import cli
from izin.aws import dynamo
from izin.exports import write
from izin.exports.read import Change
from izin.exports.write import Source
from izin.queries import catalog, local, rates

ROOT = Path(__file__).parents[2]
QUERIES = catalog.queries()


def _tool(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


SAMPLE = _tool("sample_exports")
PAGE = _tool("build_audit")


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("exports")
    SAMPLE.export(root)
    return root


@pytest.fixture
def database(exports: Path) -> Iterator[local.Database]:
    with local.opened(exports, ("ledger", "messages")) as found:
        yield found


def rows(database: local.Database, name: str, *columns: str, **parameters: str) -> list[tuple[Any, ...]]:
    found = local.ask(database, QUERIES[name], parameters)
    places = [found.columns.index(column) for column in columns]
    return [tuple(row[place] for place in places) for row in found.rows]


def test_the_page_is_current() -> None:
    for path, text in PAGE.pages().items():
        assert path.read_text("utf-8") == text, "run `python tools/build_audit.py` and review"


@pytest.mark.parametrize(
    ("name", "columns", "expected"),
    [
        ("opted-out-messaged", ("message", "opt_out"), [("sale-3", "event-3")]),
        ("consents-without-evidence", ("consent", "lacking"), [("event-2", "screenshot")]),
        ("outside-windows", ("message", "judged"), [("sale-4", "advice")]),
        ("frequency-breaches", ("message", "sent"), [("sale-3", 2), ("sale-4", 2)]),
        (
            "opt-out-latency",
            ("source", "to_us_median", "to_silence_longest"),
            [("letter", 86400, 0), ("reply", 1.2, 7.5)],
        ),
        ("opt-out-reasons", ("reason", "opted_out"), [("not given", 1), ("too_many", 1)]),
    ],
)
def test_each_finds_what_is_there(
    database: local.Database, name: str, columns: tuple[str, ...], expected: list[tuple[Any, ...]]
) -> None:
    assert rows(database, name, *columns) == expected


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [
        ("2026-11-02T08:59:59.000Z", set()),
        ("2026-11-02T09:00:00.000Z", {SAMPLE.CITRA}),
        ("2026-11-24T00:00:00.000Z", {SAMPLE.CITRA, SAMPLE.ANNA}),
    ],
)
def test_do_not_contact_is_as_it_was_on_the_day(
    database: local.Database, as_of: str, expected: set[str]
) -> None:
    assert {who for (who,) in rows(database, "do-not-contact", "recipient_id", as_of=as_of)} == expected


def test_everything_about_one_person_and_nobody_else(database: local.Database) -> None:
    found = rows(database, "person", "id", "what", recipient_id=SAMPLE.ANNA)
    assert {name for name, _ in found} == {"event-1", "event-3", "event-4", "sale-1", "sale-3"}
    assert len(found) == 3 + 2 * 4


def test_a_full_export_and_the_days_since_answer_as_one(database: local.Database, tmp_path: Path) -> None:
    """Half of the sample in a full export, the rest, and a change of what was there, in incremental ones."""
    for table, items, key in (
        ("ledger", list(SAMPLE.ledger()), ("pk", "seq")),
        ("messages", list(SAMPLE.messages()), ("pk",)),
    ):
        images = [dynamo.pack(item) for item in items]
        half, source = len(images) // 2, Source(tmp_path, f"exports/{table}", f"arn:{table}", "id")
        day = timedelta(days=1)
        older = [{**image, "status": {"S": "sending"}} for image in images[:half]]
        write.write(source, older, SAMPLE.AT, write.new_id(SAMPLE.AT, "00000000"))
        for number, part in enumerate((images[:half], images[half:])):
            since = SAMPLE.AT + number * day
            changes = [Change(number, {name: image[name] for name in key}, None, image) for image in part]
            write.write_changes(source, changes, since, since + day, write.new_id(since, "11111111"))
    with local.opened(tmp_path, ("ledger", "messages")) as merged:
        for query in QUERIES.values():
            arguments = {name: PAGE.ARGUMENTS[name] for name in query.parameters}
            assert local.ask(merged, query, arguments) == local.ask(database, query, arguments), query.name


@pytest.mark.parametrize("name", QUERIES)
def test_athena_can_read_it(name: str) -> None:
    """By the grammar of Trino; and nothing else than the raw tables is named that the query does not make."""
    query = QUERIES[name]
    (statement,) = sqlglot.parse(catalog.for_athena(query, "izin"), read="trino")
    assert statement
    assert {f"{table.db}.{table.name}" for table in statement.find_all(sqlglot.exp.Table) if table.db} == {
        f"izin.{table}" for table in query.reads
    }
    asked = len(list(statement.find_all(sqlglot.exp.Placeholder)))
    assert asked == len(query.reads) + len(query.parameters)
    assert len(catalog.for_athena(query, "izin").encode()) < 262_144  # what Athena takes


def test_types_are_the_same_for_both() -> None:
    assert catalog.duckdb_type(
        "struct<a:struct<S:string>,b:array<map<string,struct<at:string,n:boolean>>>>"
    ) == ('STRUCT("a" STRUCT("S" VARCHAR), "b" MAP(VARCHAR, STRUCT("at" VARCHAR, "n" BOOLEAN))[])')


def test_the_command(exports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["query", "--list"]) == 0
    assert "Was anybody messaged who had opted out?" in capsys.readouterr().out
    where = ["--exports", str(exports)]
    assert cli.main(["query", "opted-out-messaged", "--format", "csv", *where]) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith(f"shopx,{SAMPLE.ANNA},sale-3,sms,marketing")
    assert cli.main(["query", "nothing", *where]) == 2
    assert cli.main(["query", "person", *where]) == 2
    assert "--parameter recipient_id=" in capsys.readouterr().err
    assert cli.main(["query", "person", "--sql"]) == 0
    assert "FROM izin.ledger WHERE export = ?" in capsys.readouterr().out


def test_without_duckdb_it_says_what_to_install(
    exports: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "izin.queries.local")
    monkeypatch.delattr("izin.queries.local")
    monkeypatch.setitem(sys.modules, "duckdb", None)
    assert cli.main(["query", "opt-out-latency", "--exports", str(exports)]) == 2
    assert "izin[audit]" in capsys.readouterr().err


def test_a_rule_that_the_brand_relaxed_is_not_asked_for(tmp_path: Path) -> None:
    relaxed = []
    for item in SAMPLE.ledger():
        details = {**item.get("details", {}), "relaxed": "ID.evidence.origin"}
        relaxed.append({**item, "details": details})
    source = Source(tmp_path, "full/ledger", "arn:ledger", "id")
    write.write(source, map(dynamo.pack, relaxed), SAMPLE.AT, write.new_id(SAMPLE.AT, "00000000"))
    with local.opened(tmp_path, ("ledger",)) as found:
        assert rows(found, "consents-without-evidence", "consent") == []


def test_rates_by_what_an_opt_out_followed(exports: Path, tmp_path: Path, capsys: Any) -> None:
    drawn = tmp_path / "rates.svg"
    assert cli.main(["rates", "--exports", str(exports), "--json", "--svg", str(drawn)]) == 0
    found = {(rate["by"], rate["value"]): rate for rate in json.loads(capsys.readouterr().out)}
    assert found["campaign", "payday"] == {
        "by": "campaign",
        "value": "payday",
        "of": 2,
        "opted_out": 1,
        "share": 0.5,
    }
    assert found["campaign", "weekend"]["share"] == 0
    assert found["template", "(none)"]["share"] is None
    assert found["country", "ID"]["opted_out"] == 2
    assert found["reason", "too_many"]["share"] == 0.5
    picture = ElementTree.fromstring(drawn.read_text())
    told = [text.text for text in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert "50.00 % (1 of 2)" in told


def test_a_name_cannot_break_the_picture() -> None:
    rows = [{**dict.fromkeys(rates.DIMENSIONS, "<&>" * 20), "sent": 3, "opted_out": 1}]
    ElementTree.fromstring(rates.picture(rates.rates(rows)))
