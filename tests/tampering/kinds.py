"""Everything that somebody might do to an export, as far as their means reach.

Who does it knows all the code, writes manifests and hashes anew wherever that helps, and lacks the
key; but for `forked`, whose culprit has it. Each gives whether there was something to do.
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable

from izin.domain import chain
from izin.domain.log import Entry

from tests.tampering.made import EXPORTED, Item, Ledger, Made, Signer, chained, entries, logged, state

Kind = Callable[[Made, random.Random], bool]


def _ledger(made: Made, chance: random.Random, at_least: int = 1) -> tuple[tuple[str, str], Ledger] | None:
    found = [(who, ledger) for who, ledger in made.ledgers.items() if len(ledger) >= at_least]
    return chance.choice(found) if found else None


def _again(made: Made, who: tuple[str, str], records: list[Item]) -> None:
    """The ledger as if these had always been its events: chained, and with the state that follows."""
    made.ledgers[who] = chained(*who, records)
    if records:
        made.states[state(made.ledgers[who])["pk"]] = state(made.ledgers[who])
    else:
        del made.ledgers[who], made.states[f"STATE#{who[0]}#{who[1]}"]


def _change(item: Item, chance: random.Random) -> None:
    name = chance.choice(["source", "given_at", "details", "recorded_at", "commitments"])
    if isinstance(item[name], dict):
        item[name] = {**item[name], next(iter(item[name])): "e" * 64}
    else:
        item[name] = item[name][:-2] + chance.choice(["0x", "1x"])


def edited(made: Made, chance: random.Random) -> bool:
    _, ledger = _ledger(made, chance) or (None, [])
    _change(chance.choice(ledger), chance)
    return True


def edited_and_chained_anew(made: Made, chance: random.Random) -> bool:
    who, ledger = _ledger(made, chance) or (None, [])
    assert who
    item = chance.choice(ledger)
    item["source"] += "x"
    _again(made, who, ledger)
    return True


def edited_with_the_log(made: Made, chance: random.Random) -> bool:
    """Ledger, state, entries and tiles all fit again; only the checkpoints cannot be made."""
    checkpoints = {key: body for key, body in made.objects.items() if "/checkpoint/" in key}
    edited_and_chained_anew(made, chance)
    mine = {brand for brand, _ in made.ledgers}
    for brand in mine:
        sizes = [len(json.loads(body)["entries"]) for body in _batches(made, brand)]
        ledgers = [ledger for (of, _), ledger in made.ledgers.items() if of == brand]
        made.objects |= logged(Signer(), brand, entries(ledgers), sizes)
    made.objects |= checkpoints
    return True


def _batches(made: Made, brand: str) -> list[bytes]:
    keys = sorted((key for key in made.objects if key.startswith(f"{brand}/entries/")), reverse=True)
    return [made.objects[key] for key in keys]


def _without_log(made: Made, brand: str) -> None:
    made.objects = {key: body for key, body in made.objects.items() if not key.startswith(f"{brand}/")}


def deleted(made: Made, chance: random.Random) -> bool:
    _, ledger = _ledger(made, chance) or (None, [])
    ledger.pop(chance.randrange(len(ledger)))
    return True


def deleted_and_chained_anew(made: Made, chance: random.Random) -> bool:
    who, ledger = _ledger(made, chance) or (None, [])
    assert who
    gone = chance.randrange(len(ledger))
    _again(made, who, ledger[:gone] + ledger[gone + 1 :])
    return True


def inserted(made: Made, chance: random.Random) -> bool:
    who, ledger = _ledger(made, chance) or (None, [])
    assert who
    at = chance.randrange(len(ledger))
    _again(made, who, [*ledger[:at], {**ledger[at], "id": "never"}, *ledger[at:]])
    return True


def reordered(made: Made, chance: random.Random) -> bool:
    who, ledger = _ledger(made, chance, 2) or (None, [])
    if not who:
        return False
    at = chance.randrange(len(ledger) - 1)
    ledger[at], ledger[at + 1] = ledger[at + 1], ledger[at]
    if chance.random() < 0.5:
        _again(made, who, ledger)
    else:
        ledger[at]["seq"], ledger[at + 1]["seq"] = ledger[at + 1]["seq"], ledger[at]["seq"]
    return True


def truncated(made: Made, chance: random.Random) -> bool:
    """The newest events are gone, and the state is what it was before them."""
    who, ledger = _ledger(made, chance) or (None, [])
    assert who
    _again(made, who, ledger[: chance.randrange(len(ledger))])
    return True


def truncated_with_the_log(made: Made, chance: random.Random) -> bool:
    """The log ends earlier, too; found by whoever has seen a later checkpoint."""
    brand = chance.choice(sorted({brand for brand, _ in made.ledgers}))
    kept = _batches(made, brand)
    kept = kept[: chance.randrange(len(kept))]
    lines = {tuple(line.split(" ")[1:3]) for body in kept for line in json.loads(body)["entries"]}
    for who in [who for who in made.ledgers if who[0] == brand]:
        left = [item for item in made.ledgers[who] if (item["pk"], str(item["seq"])) in lines]
        _again(made, who, left)
    sizes = [len(json.loads(body)["entries"]) for body in kept]
    ledgers = [ledger for (of, _), ledger in made.ledgers.items() if of == brand]
    short = logged(made.signer, brand, entries(ledgers), sizes)
    made.objects = {
        key: body for key, body in made.objects.items() if not key.startswith(f"{brand}/")
    } | short
    return True


def forked(made: Made, chance: random.Random) -> bool:
    """Who has the key shows this person another log than it signed before; both are in the export."""
    before = dict(made.objects)
    edited_and_chained_anew(made, chance)
    for brand in {brand for brand, _ in made.ledgers}:
        sizes = [len(json.loads(body)["entries"]) for body in _batches(made, brand)]
        ledgers = [ledger for (of, _), ledger in made.ledgers.items() if of == brand]
        made.objects |= logged(made.signer, brand, entries(ledgers), sizes)
    changed = [
        key for key in before if "/checkpoint/" in key and _root(made.objects, key) != _root(before, key)
    ]
    key = chance.choice(changed)
    made.objects[key] = before[key]
    return True


def _root(objects: dict[str, bytes], key: str) -> bytes:
    return objects[key].split(b"\n")[2]


def given_twice(made: Made, chance: random.Random) -> bool:
    """Two items with one number, of which one is another's work."""
    who, ledger = _ledger(made, chance) or (None, [])
    assert who
    item = {**chance.choice(ledger), "source": "elsewhere"}
    item["hash"] = chain.link({name: v for name, v in item.items() if name != "pk"})
    ledger.append(item)
    return True


def moved_to_another_person(made: Made, chance: random.Random) -> bool:
    (one, ledger), (other, _) = (_ledger(made, chance) or (("", ""), []) for _ in range(2))
    if one == other:
        return False
    made.ledgers[other] = made.ledgers.pop(one)
    for item in ledger:
        item["pk"] = "#".join(other)
    return True


def swapped_evidence(made: Made, chance: random.Random) -> bool:
    """What one event committed to stands beside another."""
    items = [item for item in made.items() if "commitments" in item]
    one, other = chance.sample(items, 2)
    one["commitments"], other["commitments"] = other["commitments"], one["commitments"]
    return True


def forged_state(made: Made, chance: random.Random) -> bool:
    """A person who never said yes appears to have."""
    item = chance.choice(list(made.states.values()))
    grant = {"given_at": "2026-01-01T00:00:00.000Z", "event": "never"}
    standing = item["standing"]
    item["standing"] = {**standing, "granted": {**standing.get("granted", {}), "sms:marketing": grant}}
    return True


def forged_no(made: Made, chance: random.Random) -> bool:
    """What somebody said no to is no longer known."""
    found = [item for item in made.states.values() if "blocks" in item["standing"]]
    if not found:
        return False
    item = chance.choice(found)
    item["standing"] = {name: part for name, part in item["standing"].items() if name != "blocks"}
    return True


def state_of_another_head(made: Made, chance: random.Random) -> bool:
    chance.choice(list(made.states.values()))["head"] = f"{chance.getrandbits(256):064x}"
    return True


def _object(made: Made, chance: random.Random, part: str) -> str:
    return chance.choice(sorted(key for key in made.objects if f"/{part}/" in key))


def forged_checkpoint(made: Made, chance: random.Random) -> bool:
    """A checkpoint that says something else, is signed by somebody else, is another one's, or is none."""
    key = _object(made, chance, "checkpoint")
    text = made.objects[key].decode()
    lines = text.split("\n")
    what = chance.randrange(6)
    if what == 0:
        lines[1] = str(int(lines[1]) + 1)
    elif what == 1:
        lines[2] = "A" * 43 + "="
    elif what == 2:
        lines[3] = lines[3][:-2] + ("0Z" if lines[3][-2] != "0" else "1Z")
    elif what == 3:
        stranger = Signer().sign(key.split("/")[0], int(lines[1]), b"r" * 32, EXPORTED)
        lines = stranger.decode().split("\n")
    elif what == 4:
        signature = lines[-2]
        lines[-2] = signature[:-9] + ("AAAA" if signature[-9:-5] != "AAAA" else "BBBB") + signature[-5:]
    else:
        lines = ["nothing"]
    made.objects[key] = "\n".join(lines).encode()
    return made.objects[key] != text.encode()


def checkpoint_of_another_name(made: Made, chance: random.Random) -> bool:
    key = _object(made, chance, "checkpoint")
    made.objects[key[:-1] + str((int(key[-1]) + 1) % 10)] = made.objects.pop(key)
    return True


def lost_checkpoint(made: Made, chance: random.Random) -> bool:
    """One that is not the last: each batch was signed for before the next one came."""
    pairs = itertools.pairwise(sorted(key for key in made.objects if "/checkpoint/" in key))
    found = [key for key, after in pairs if key.split("/")[0] == after.split("/")[0]]
    if not found:
        return False
    del made.objects[chance.choice(found)]
    return True


def forged_tile(made: Made, chance: random.Random) -> bool:
    key = chance.choice(sorted(key for key in made.objects if "/tile/" in key))
    content = bytearray(made.objects[key])
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    made.objects[key] = bytes(content)
    return True


def lost_tile(made: Made, chance: random.Random) -> bool:
    del made.objects[chance.choice(sorted(key for key in made.objects if "/tile/" in key))]
    return True


def _with_lines(made: Made, chance: random.Random, change: Callable[[list[str]], None]) -> bool:
    key = _object(made, chance, "entries")
    fields = json.loads(made.objects[key])
    change(fields["entries"])
    made.objects[key] = json.dumps(fields).encode()
    return True


def entry_edited(made: Made, chance: random.Random) -> bool:
    def change(lines: list[str]) -> None:
        at = chance.randrange(len(lines))
        entry = Entry(*lines[at].split(" "))  # type: ignore[arg-type]
        lines[at] = str(Entry(entry.change, entry.ledger, entry.seq, f"{chance.getrandbits(256):064x}"))

    return _with_lines(made, chance, change)


def entry_deleted(made: Made, chance: random.Random) -> bool:
    return _with_lines(made, chance, lambda lines: lines.__delitem__(chance.randrange(len(lines))))


def entry_repeated(made: Made, chance: random.Random) -> bool:
    return _with_lines(made, chance, lambda lines: lines.append(chance.choice(lines)))


def entries_lost(made: Made, chance: random.Random) -> bool:
    del made.objects[_object(made, chance, "entries")]
    return True


def log_lost(made: Made, chance: random.Random) -> bool:
    brand = chance.choice(sorted({brand for brand, _ in made.ledgers}))
    _without_log(made, brand)
    return True


def overwritten_on_record(made: Made, chance: random.Random) -> bool:
    """What the log's writer saw and wrote down itself: signed, and a finding all the same."""
    brand = chance.choice(sorted({brand for brand, _ in made.ledgers}))
    ledgers = [ledger for (of, _), ledger in made.ledgers.items() if of == brand]
    found = entries(ledgers)
    entry, _ = chance.choice(found)
    verb = chance.choice(["overwritten", "removed", "unheard of"])
    found.append((Entry(verb, entry.ledger, entry.seq, entry.hash), found[-1][1]))  # type: ignore[arg-type]
    _without_log(made, brand)
    made.objects |= logged(made.signer, brand, found, [])
    return True


KINDS: tuple[Kind, ...] = (
    edited,
    edited_and_chained_anew,
    edited_with_the_log,
    deleted,
    deleted_and_chained_anew,
    inserted,
    reordered,
    truncated,
    truncated_with_the_log,
    forked,
    given_twice,
    moved_to_another_person,
    swapped_evidence,
    forged_state,
    forged_no,
    state_of_another_head,
    forged_checkpoint,
    checkpoint_of_another_name,
    lost_checkpoint,
    forged_tile,
    lost_tile,
    entry_edited,
    entry_deleted,
    entry_repeated,
    entries_lost,
    log_lost,
    overwritten_on_record,
)
