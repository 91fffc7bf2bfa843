"""Is an export whole? Everything in it against everything else, and against the key.

An export is a folder. Anywhere in it lie DynamoDB exports of the ledger's table, and of the states'
where they are to be replayed; and a copy of the log's bucket, a folder for each brand.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from izin.exports import read as exports
from izin.exports.read import Unreadable
from izin.verify import book, chain, log, people
from izin.verify.book import Book, Kept
from izin.verify.log import Log
from izin.verify.note import Checkpoint, PublicKey
from izin.verify.people import View
from izin.verify.replay import Unknown

Tick = Callable[[str, int], None]
"""Told what is being read, and how many items of it were."""

MOST = 1000
"""Findings that are kept; more are counted."""

_FOR_REPLAY = (
    *("type", "id", "given_at", "address", "channel", "purposes", "by_person", "expires_at", "asked_at"),
    *("scope", "kind", "silent_from"),
)


@dataclass(slots=True)
class Report:
    """What was found wrong, and what was looked at."""

    findings: list[str] = field(default_factory=list)
    wrong: int = 0
    events: int = 0
    ledgers: int = 0
    logs: list[Log] = field(default_factory=list)
    until: str = ""
    states: int = 0
    fresh: int = 0
    later: int = 0
    pruned: int = 0

    def say(self, finding: str) -> None:
        self.wrong += 1
        if len(self.findings) < MOST:
            self.findings.append(finding)


def verify(
    folder: Path, key: PublicKey, seen: Iterable[Checkpoint], now: str, tick: Tick = lambda *_: None
) -> Report:
    """Look at everything in `folder`. `seen` are checkpoints kept from earlier. Raises Unreadable.

    Memory does not grow with the export, but for the largest single ledger.
    """
    report = Report()
    found = exports.find(folder)
    for export in found:
        try:
            exports.check(export)
        except Unreadable as error:
            report.say(str(error))
    if report.wrong:
        return report
    with book.opened() as notes:
        _read_logs(folder, key, seen, notes, report, tick)
        _read_ledger(folder, found, notes, report, tick)
        states = _read_states(folder, found, notes, tick)
        view = View({log.brand: log for log in report.logs}, report.until or now, states)
        for number, person in enumerate(notes.people()):
            _check(person, view, report)
            if number % 1000 == 0:
                tick("ledgers checked", number)
    report.states, report.fresh, report.later = view.replayed, view.fresh, view.later
    report.pruned = view.pruned
    return report


def _check(person: book.Person, view: View, report: Report) -> None:
    if person.events:
        report.ledgers += 1
    try:
        people.check(person, view, report.say)
    except Unknown as error:
        raise Unreadable(str(error)) from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        report.say(f"an event of {person.pk} has not the form of one: {type(error).__name__} {error}")


def _read_logs(
    folder: Path, key: PublicKey, seen: Iterable[Checkpoint], notes: Book, report: Report, tick: Tick
) -> None:
    by_brand: dict[str, list[Checkpoint]] = {}
    for checkpoint in seen:
        by_brand.setdefault(checkpoint.brand, []).append(checkpoint)
    folders = {found.parent.resolve() for found in folder.rglob("checkpoint") if found.is_dir()}
    folders |= {found.parent.resolve() for found in folder.rglob("entries") if found.is_dir()}
    for place in sorted(folders):
        for found in log.read(place, key, by_brand, report.say):
            if isinstance(found, Log):
                report.logs.append(found)
                continue
            notes.add_entry(found)
            if found.index % 1000 == 0:
                tick(f"entries of the log {place.name}", found.index)
    for brand in sorted(by_brand.keys() - {found.brand for found in report.logs}):
        report.say(f"log {brand}: it is not here, and a checkpoint of it was seen earlier")


def _read_ledger(
    folder: Path, found: tuple[exports.Export, ...], notes: Book, report: Report, tick: Tick
) -> None:
    full, later = exports.newest(found, "ledger")
    report.until = max(_text(export.until) for export in [*([full] if full else []), *later])
    for item in exports.items(folder, "ledger"):
        report.events += 1
        if report.events % 1000 == 0:
            tick("events", report.events)
        try:
            notes.add_event(item["pk"], _kept(item))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            where = f"event {item.get('seq')} of {item.get('pk')}"
            report.say(f"{where} has not the form of one: {type(error).__name__} {error}")


def _kept(item: Mapping[str, Any]) -> Kept:
    if item["pk"] != f"{item['brand']}#{item['recipient_id']}":
        raise ValueError("it lies in the ledger of another")
    event = {name: item[name] for name in _FOR_REPLAY if name in item}
    if item["type"] == "checkpoint":
        event["details"] = item["details"]
    elif "language" in item.get("details", {}):
        event["details"] = {"language": item["details"]["language"]}
    return Kept(
        seq=item["seq"],
        hash=item["hash"],
        computed=chain.hash_of(item),
        prev=item["prev"],
        recorded_at=item["recorded_at"],
        event=json.dumps(event),
    )


def _read_states(folder: Path, found: tuple[exports.Export, ...], notes: Book, tick: Tick) -> bool:
    """Note every state that has had an event; whether states are in the export at all."""
    if not any(export.table == "state" for export in found):
        return False
    for number, item in enumerate(exports.items(folder, "state"), start=1):
        kind, _, ledger = item["pk"].partition("#")
        if kind == "STATE" and item.get("seq"):
            standing = json.dumps(item.get("standing", {}))
            notes.add_state(ledger, item["seq"], item.get("head", ""), standing)
        if number % 1000 == 0:
            tick("states", number)
    return True


def _text(instant: Any) -> str:
    return str(instant.isoformat(timespec="milliseconds").replace("+00:00", "Z"))
