"""Is one ledger what was chained, what was logged, and what its state follows from?"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from izin.verify import replay
from izin.verify.book import Kept, Person
from izin.verify.chain import GENESIS
from izin.verify.log import Entry, Log

Say = Callable[[str], None]


@dataclass(slots=True)
class View:
    """What a ledger is judged by: the logs, when the export was made, and whether states are in it.

    `fresh` counts events that are not under a signature yet, `later` entries younger than the export.
    """

    logs: dict[str, Log]
    until: str
    states: bool
    fresh: int = 0
    later: int = 0
    pruned: int = 0
    replayed: int = 0


def check(person: Person, view: View, say: Say) -> None:
    """Tell everything that is wrong with one person's ledger."""
    begin = _beginning(person, view)
    _chained(person, begin, say)
    _logged(person, begin, view, say)
    if view.states:
        _replayed(person, begin, view, say)


def _beginning(person: Person, view: View) -> int:
    """The number of the event that the ledger begins with: 1, or that of a checkpoint whose time is over."""
    if (person.events and person.events[0].seq > 1) or _gaps(person):
        for kept in reversed(person.events):
            event = json.loads(kept.event)
            if event["type"] == "checkpoint" and event["details"]["kept_until"] <= view.until:
                view.pruned += 1
                return kept.seq
    return 1


def _gaps(person: Person) -> bool:
    return any(kept.seq != number for number, kept in enumerate(person.events, start=1))


def _chained(person: Person, begin: int, say: Say) -> None:
    prev, expected = (GENESIS, 1) if begin == 1 else ("", begin)
    for kept in person.events:
        if kept.hash != kept.computed:
            say(f"event {kept.seq} of {person.pk} was changed after it was written")
        if kept.seq < begin:
            continue
        if kept.seq != expected:
            missing = "is there twice" if kept.seq < expected else "and what follows it are missing"
            number = kept.seq if kept.seq < expected else expected
            say(f"event {number} of {person.pk} {missing}: found {kept.seq}")
        elif prev and kept.prev != prev:
            say(f"event {kept.seq} of {person.pk} is not chained to the one before it")
        prev, expected = kept.hash, kept.seq + 1


def _logged(person: Person, begin: int, view: View, say: Say) -> None:
    """Every event is in the log with just its hash, and everything that is in the log is here."""
    log = view.logs.get(person.pk.partition("#")[0])
    written: dict[int, Entry] = {}
    for entry in person.entries:
        where = f"entry {entry.index} of the log, {entry.time}"
        if entry.change in ("overwritten", "removed"):
            say(f"event {entry.seq} of {person.pk} was {entry.change} ({where})")
        elif entry.change == "written" and entry.seq in written:
            say(f"event {entry.seq} of {person.pk} was logged twice ({where})")
        elif entry.change == "written":
            written[entry.seq] = entry
        elif entry.change != "expired":
            say(f"event {entry.seq} of {person.pk}: the log knows no {entry.change!r} ({where})")
    here = {kept.seq for kept in person.events}
    for kept in person.events:
        entry_of = written.get(kept.seq)
        if entry_of is None:
            _unlogged(person.pk, kept, log, view, say)
        elif entry_of.hash != kept.hash:
            say(
                f"event {kept.seq} of {person.pk} is another one than was logged"
                f" (entry {entry_of.index} of the log, {entry_of.time})"
            )
        elif log and entry_of.index >= log.signed and log.whole:
            view.fresh += 1
    for seq, entry in written.items():
        if seq in here or seq < begin:
            continue
        if entry.time >= view.until:
            view.later += 1
        else:
            say(f"event {seq} of {person.pk} was logged (entry {entry.index}, {entry.time}) and is missing")


def _unlogged(pk: str, kept: Kept, log: Log | None, view: View, say: Say) -> None:
    if log is None:
        say(f"event {kept.seq} of {pk} is in no log: there is none of this brand")
    elif kept.recorded_at > log.settled:
        view.fresh += 1
    else:
        say(f"event {kept.seq} of {pk} is not in the log, which was signed after it was recorded")


def _replayed(person: Person, begin: int, view: View, say: Say) -> None:
    """The state is what the events lead to."""
    if len(person.states) != 1:
        if person.events or len(person.states) > 1:
            say(f"there are {len(person.states)} states of {person.pk}")
        return
    ((seq, head, standing),) = person.states
    last = person.events[-1].seq if person.events else 0
    if seq > last:
        say(f"event {last + 1} of {person.pk} is missing: its state follows from {seq} events")
        return
    found: replay.Standing = {}
    for kept in person.events:
        if begin <= kept.seq <= seq:
            event = json.loads(kept.event)
            if kept.seq == begin > 1:
                found = replay.carried(event)
            elif event["type"] == "checkpoint" and replay.carried(event) != found:
                say(
                    f"event {kept.seq} of {person.pk}, a checkpoint, carries another standing than the events"
                )
            found = replay.applied(found, event)
            if kept.seq == seq and kept.hash != head:
                say(f"the state of {person.pk} follows from another event {seq}")
    if found != json.loads(standing):
        say(f"the state of {person.pk} is not what its events lead to")
    view.replayed += 1
