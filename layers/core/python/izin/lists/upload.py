"""How does a list get through the API? A hundred lines at a time, and after any end where it stopped.

A state file beside the report says how many rows are done and how long the report was then. It is
replaced as a whole after each batch, in the order of the file: whatever was answered beyond it is
asked again, and changes nothing, because the same line is the same act.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from izin.lists.columns import Fault, Kind, Line

BATCH = 50
"""Lines a call: at some 40 ms each it answers well within the 30 s that API Gateway waits."""

Judged = tuple[int, Mapping[str, Any]]
Post = Callable[[Sequence[Mapping[str, Any]]], Sequence[Judged]]
"""Sends bodies, and gives the status and the answer of each."""


@dataclass(slots=True)
class Progress:
    """How far an import came. `report` is the report's length in bytes."""

    rows: int = 0
    report: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)


class Journal:
    """The report and the state file of one import of one file with the same options."""

    def __init__(self, report: Path, identity: str) -> None:
        self.path = report
        self._state = report.with_suffix(".state.json")
        self._identity = identity
        self.progress = self._resumed()
        self.resumed = self.progress.rows > 0
        self._report = report.open("r+b" if self.progress.report else "wb")
        self._report.truncate(self.progress.report)
        self._report.seek(self.progress.report)
        if not self.progress.report:
            self._write([("line", "result", "field", "code", "remedy")])

    def _resumed(self) -> Progress:
        try:
            kept = json.loads(self._state.read_text("utf-8"))
        except (OSError, ValueError):
            return Progress()
        if kept.get("identity") != self._identity or not self.path.is_file():
            return Progress()
        return Progress(kept["rows"], kept["report"], Counter(kept["counts"]), Counter(kept["codes"]))

    def _write(self, lines: Iterable[Sequence[object]]) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(lines)
        self._report.write(text.getvalue().encode())
        self._report.flush()
        self.progress.report = self._report.tell()

    def done(self, rows: int, outcomes: Iterable[Outcome]) -> None:
        """Note a batch: its refusals in the report, then how far it came."""
        progress = self.progress
        for outcome in outcomes:
            progress.counts[outcome.result] += 1
            progress.codes.update(f"{fault.field} {fault.code}" for fault in outcome.faults)
            self._write((outcome.line, outcome.result, f.field, f.code, f.remedy) for f in outcome.faults)
        progress.rows += rows
        unfinished = self._state.with_suffix(".part")
        unfinished.write_text(
            json.dumps(
                {
                    "identity": self._identity,
                    "rows": progress.rows,
                    "report": progress.report,
                    "counts": progress.counts,
                    "codes": progress.codes,
                }
            ),
            "utf-8",
        )
        unfinished.replace(self._state)

    def finish(self) -> None:
        """The import is over: what it would be resumed by goes."""
        self._state.unlink(missing_ok=True)

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self._report.close()


def identity(path: Path, options: Mapping[str, object]) -> str:
    """What an import must be to be gone on with: the same file under the same options."""
    digest = hashlib.sha256(json.dumps(options, sort_keys=True, default=str).encode())
    with path.open("rb") as source:
        while block := source.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one line: a status of a consent, `recorded`, `skipped` or `refused`; and why."""

    line: int
    result: str
    faults: tuple[Fault, ...] = ()


def run(
    lines: Iterable[Line],
    post: Post,
    journal: Journal,
    *,
    kind: Kind,
    concurrency: int,
    told: Callable[[Progress], None],
) -> Progress:
    """Send every line that is not done yet; `told` hears of each batch. Raises what `post` raises."""
    rest = islice(lines, journal.progress.rows, None)
    with ThreadPoolExecutor(concurrency) as pool:
        under_way: deque[tuple[list[Line], Future[Sequence[Judged]]]] = deque()

        def settle() -> None:
            batch, answers = under_way.popleft()
            journal.done(len(batch), _outcomes(batch, answers.result(), kind))
            told(journal.progress)

        try:
            for batch in _batches(rest):
                under_way.append((batch, pool.submit(post, [line.body for line in batch if line.body])))
                if len(under_way) > concurrency:
                    settle()
            while under_way:
                settle()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return journal.progress


def _batches(lines: Iterator[Line]) -> Iterator[list[Line]]:
    while batch := list(islice(lines, BATCH)):
        yield batch


def _outcomes(batch: Iterable[Line], answers: Iterable[Judged], kind: Kind) -> Iterator[Outcome]:
    judged = iter(answers)
    for line in batch:
        if line.faults:
            yield Outcome(line.line, "refused", line.faults)
        elif line.body is None:
            yield Outcome(line.line, "skipped")
        else:
            status, body = next(judged)
            if status != 200:
                yield Outcome(line.line, "refused", _faults(body["errors"]))
            elif kind is Kind.OPT_OUTS:
                yield Outcome(line.line, "recorded")
            else:
                statuses = {consent["status"] for consent in body["consents"]}
                result = statuses.pop() if len(statuses) == 1 else "mixed"
                yield Outcome(line.line, result, _faults(body["reasons"]))


def _faults(errors: Iterable[Mapping[str, str]]) -> tuple[Fault, ...]:
    return tuple(Fault(error["field"], error["code"], error["message"]) for error in errors)
