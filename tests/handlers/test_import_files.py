"""A file goes through the real handlers and ends the same, wherever the import was killed and begun again."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from izin.lists import upload
from izin.lists.columns import Kind, Reading
from izin.lists.rows import Rows
from izin.lists.upload import Journal, Judged, Progress

from tests.handlers.calls import Killed
from tests.handlers.world import World

HEADER = "phone,captured_at,confirmed_at,wording,screenshot"


def _file(here: World, path: Path, count: int = 23) -> list[str]:
    """Every fifth line lacks its wording, every seventh its plus sign."""
    people = [here.person() for _ in range(count)]
    lines = [HEADER]
    for number, person in enumerate(people):
        wording = "" if number % 5 == 4 else "Saya setuju menerima promosi dari ShopX melalui SMS."
        shown = person.removeprefix("+") if number % 7 == 6 else person
        lines.append(f"{shown},2026-11-01T03:00:00Z,2026-11-01T03:01:00Z,{wording},{here.uploaded(person)}")
    path.write_text("\n".join(lines), "utf-8")
    return people


READING = Reading(
    kind=Kind.CONSENTS,
    named={},
    defaults={
        "brand": "shopx",
        "channel": "sms",
        "source": "old",
        "language": "id",
        "method": "form",
        "purposes": "marketing",
    },
)


class _Api:
    """The API as a command meets it, which dies after `calls` calls, the last one answered or not."""

    def __init__(self, here: World, calls: int | None = None, *, answered: bool = True) -> None:
        self.here, self.calls, self.answered = here, calls, answered
        self.numbers = itertools.count()

    def post(self, bodies: Sequence[Mapping[str, Any]]) -> Sequence[Judged]:
        number = next(self.numbers)
        if self.calls is not None and number >= self.calls:
            raise Killed
        said = self.here.call("POST /v1/consents/batch", {"consents": list(bodies)})
        if self.calls is not None and number == self.calls - 1 and not self.answered:
            raise Killed
        return [(result["status"], result["body"]) for result in said.body["results"]]


def _import(api: _Api, path: Path, report: Path) -> Progress:
    with Rows(path) as rows, Journal(report, upload.identity(path, {})) as journal:
        done = upload.run(
            map(READING.line, rows), api.post, journal, kind=Kind.CONSENTS, concurrency=2, told=lambda _: None
        )
        journal.finish()
    return done


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "BATCH", 4)


def test_an_import_that_was_killed_goes_on_and_ends_the_same(here: World, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    people = _file(here, path)
    whole = _import(_Api(here), path, tmp_path / "whole.csv")
    report = (tmp_path / "whole.csv").read_text()
    ledgers = {person: here.ledger(person) for person in people}
    assert whole.counts == {"granted": 16, "none": 4, "refused": 3}
    assert [line.split(",")[:4] for line in report.splitlines()[1:4]] == [
        ["6", "none", "wording", "missing"],
        ["8", "refused", "address", "number_without_plus"],
        ["11", "none", "wording", "missing"],
    ]
    assert not any(person.removeprefix("+")[2:] in report for person in people)
    for calls in range(6):
        for answered in (True, False):
            again = tmp_path / f"{calls}-{answered}.csv"
            with pytest.raises(Killed):
                _import(_Api(here, calls, answered=answered), path, again)
            with again.open("a") as torn:  # what was written after the state was last kept
                torn.write("99,refused,torn")
            assert _import(_Api(here), path, again) == whole
            assert again.read_text() == report
    assert {person: here.ledger(person) for person in people} == ledgers


def test_where_it_goes_on(here: World, tmp_path: Path) -> None:
    path, report = tmp_path / "list.csv", tmp_path / "report.csv"
    _file(here, path)
    with pytest.raises(Killed):
        _import(_Api(here, 3), path, report)
    with Journal(report, upload.identity(path, {})) as journal:
        assert 0 < journal.progress.rows < 23
        assert journal.progress.rows % 4 == 0
    with Journal(report, upload.identity(path, {"country": "ID"})) as journal:
        assert not journal.resumed


def test_a_state_that_cannot_be_read_begins_anew(here: World, tmp_path: Path) -> None:
    path, report = tmp_path / "list.csv", tmp_path / "report.csv"
    _file(here, path)
    with pytest.raises(Killed):
        _import(_Api(here, 3), path, report)
    (tmp_path / "report.state.json").write_text("{")
    assert _import(_Api(here), path, report).rows == 23
