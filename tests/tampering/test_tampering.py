"""A sample of the tampered exports of `make prove`, and what is said of some of them."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from izin import cli
from izin.domain.chain import canonical
from izin.domain.events import EventType
from izin.domain.times import to_text
from izin.verify import proof, replay
from izin.verify.note import Forged

from tests.tampering.kinds import KINDS
from tests.tampering.large import by_construction
from tests.tampering.made import EXPORTED, Item, Made, chained, honest, state, whole
from tests.tampering.run import HONEST, checkpoints, forge_proofs, judged, proof_of, tamper


def test_every_tampering_is_found() -> None:
    results = tamper(108, seed=7)
    assert {kind: result.missed for kind, result in results.items() if result.missed} == {}
    assert all(results[kind.__name__].found for kind in KINDS)
    assert results[HONEST].found >= 5


def test_every_forged_proof_is_refused_and_no_honest_one() -> None:
    results = forge_proofs(150, seed=7)
    assert {kind: result.missed for kind, result in results.items() if result.missed} == {}
    assert len(results) == 11


def test_a_proof_at_a_billion_entries_is_below_a_kilobyte() -> None:
    assert by_construction() == "proof at 1,000,000,000 entries: 968 bytes"


@pytest.fixture
def made() -> Made:
    return honest(3)


def test_what_is_wrong_is_said_with_its_place(made: Made) -> None:
    ledger = next(ledger for ledger in made.ledgers.values() if len(ledger) > 2)
    ledger[1]["source"] = "elsewhere"
    pk = ledger[1]["pk"]
    assert judged(made).findings == [f"event 2 of {pk} was changed after it was written"]
    made.ledgers[pk.split("#")[0], pk.split("#")[1]] = chained(*pk.split("#"), ledger)
    made.states[f"STATE#{pk}"] = state(made.ledgers[pk.split("#")[0], pk.split("#")[1]])
    said = judged(made).findings
    assert len(said) == len(ledger) - 1
    assert all(f"of {pk} is another one than was logged (entry " in finding for finding in said)


def test_a_truncated_log_is_told_only_by_a_checkpoint_that_was_seen(made: Made) -> None:
    seen = checkpoints(made)
    ledgers = {who: ledger for who, ledger in made.ledgers.items() if who[0] == "shopx"}
    shorter = whole(made.signer, dict(list(ledgers.items())[:-1]), lambda: 4)
    assert judged(shorter).findings == []
    assert judged(shorter, seen).wrong


def test_what_is_younger_than_the_last_signature_or_the_export_is_counted(made: Made) -> None:
    who, ledger = next(iter(made.ledgers.items()))
    young = EXPORTED - timedelta(seconds=30)
    record = {**ledger[-1], "id": "young", "recorded_at": young.isoformat(timespec="milliseconds")[:-6] + "Z"}
    made.ledgers[who] = chained(*who, [*ledger, record])
    made.states[f"STATE#{'#'.join(who)}"] = state(made.ledgers[who])
    report = judged(made)
    assert (report.findings, report.fresh) == ([], 1)


OVER, AHEAD = "2026-11-23T00:00:00.000Z", "2026-11-25T00:00:00.000Z"


def closed(made: Made, kept_until: str) -> tuple[Made, tuple[str, str]]:
    """The export with a checkpoint behind three events or more of somebody, and an event behind that."""
    who, ledger = next((who, ledger) for who, ledger in made.ledgers.items() if len(ledger) > 2)
    record = {
        **ledger[-1],
        "id": "checkpoint",
        "type": "checkpoint",
        "details": {"standing": canonical(state(ledger)["standing"]).decode(), "kept_until": kept_until},
        "address": who[1],
    }
    longer = {**made.ledgers, who: chained(*who, [*ledger, record, {**ledger[-1], "id": "after"}])}
    return whole(made.signer, longer, lambda: 5), who


def test_a_ledger_may_begin_with_a_checkpoint_whose_time_has_come(made: Made) -> None:
    for kept_until, wrong in ((OVER, 0), (AHEAD, 1)):
        pruned, who = closed(made, kept_until)
        pruned.ledgers[who] = pruned.ledgers[who][-2:]
        report = judged(pruned)
        assert bool(report.wrong) is bool(wrong), report.findings
        assert report.pruned == 1 - wrong


def test_a_no_that_is_left_between_gaps_is_still_checked_in_an_export(made: Made) -> None:
    pruned, who = closed(made, OVER)
    _, left, *_, checkpoint, after = pruned.ledgers[who]
    pruned.ledgers[who] = [left, checkpoint, after]
    assert judged(pruned).findings == []
    left["source"] = "elsewhere"
    assert judged(pruned).findings == [f"event 2 of {left['pk']} was changed after it was written"]


def proved(made: Made, who: tuple[str, str], keep: slice, **changed: object) -> proof.Proved:
    """What a proof of these events of a ledger shows on the day of the export."""
    pruned = Made(made.signer, {**made.ledgers, who: made.ledgers[who][keep]}, made.states, made.objects)
    shown = proof_of(pruned, who) | {"evidence": {}} | changed
    return proof.verify(_file(shown), made.signer.public, to_text(EXPORTED))


def test_a_proof_may_begin_with_a_checkpoint_whose_time_has_come(made: Made) -> None:
    ahead, who = closed(made, AHEAD)
    assert proved(ahead, who, slice(None)).logged == len(ahead.ledgers[who])
    for keep in (slice(-2, None), slice(1, None)):
        with pytest.raises(Forged, match="event 1 is missing"):
            proved(ahead, who, keep)
    over, who = closed(made, OVER)
    assert proved(over, who, slice(-2, None)).logged == 2
    assert proved(over, who, slice(1, None)).logged == len(over.ledgers[who]) - 1
    with pytest.raises(Forged, match="event 1 is missing"):
        proved(over, who, slice(-1, None))


def test_what_is_left_between_gaps_is_not_counted_as_proved(made: Made) -> None:
    over, who = closed(made, OVER)
    _, left, *_, checkpoint, after = over.ledgers[who]
    shown = proved(over, who, slice(None), events=_bare(left, checkpoint, after))
    assert (shown.events, shown.alone, shown.logged) == (3, 1, 2)
    with pytest.raises(Forged, match="event 2 was changed"):
        proved(over, who, slice(None), events=_bare({**left, "source": "elsewhere"}, checkpoint, after))
    with pytest.raises(Forged, match="is missing"):
        proved(over, who, slice(None), events=_bare(left, after))
    with pytest.raises(Forged, match="not one of this brand's log"):
        proved(over, who, slice(None), events=_bare(left, checkpoint), seq=after["seq"])


def _bare(*items: Item) -> list[Item]:
    return [{k: v for k, v in item.items() if k not in ("pk", "sealed")} for item in items]


def test_a_checkpoint_that_is_not_signed_for_excuses_no_gap(made: Made) -> None:
    over, who = closed(made, OVER)
    first, _, *_ = ledger = over.ledgers[who]
    before = Made(made.signer, {**over.ledgers, who: ledger[:-2]}, made.states, over.objects)
    signed = proof_of(before, who) | {"evidence": {}}
    assert proof.verify(_file(signed), made.signer.public, to_text(EXPORTED)).logged == len(ledger) - 2
    for events in (ledger[1:], [first, *ledger[2:]]):
        with pytest.raises(Forged, match="is missing"):
            proof.verify(_file(signed | {"events": _bare(*events)}), made.signer.public, to_text(EXPORTED))


def _file(shown: Item) -> bytes:
    return json.dumps(shown).encode()


def test_the_verifier_knows_every_type_of_event() -> None:
    """Whoever adds one says in izin/verify/replay.py what it changes; `honest` then tries it."""
    known = {
        "consent_granted",
        "consent_pending",
        "opt_in",
        "opt_out",
        "reply_unclear",
        "reply_read",
    } | replay.NEUTRAL
    assert set(EventType) == known


def test_the_verifier_shares_nothing_with_what_writes() -> None:
    asked = (
        "import sys; from izin.verify import export, proof;"
        "print(*sorted(name for name in sys.modules if name.startswith(('izin.domain', 'izin.aws', 'boto'))))"
    )
    run = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert set(run.stdout.split()) <= {"izin.domain", "izin.domain.times"}


@pytest.mark.parametrize("form", ["PEM", "DER"])
def test_the_command_says_it_with_its_status(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    key, export = tmp_path / "key", made.write(tmp_path / "export")
    encoding = getattr(serialization.Encoding, form)
    key.write_bytes(
        made.signer.public.public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    checkpoint = tmp_path / "seen"
    checkpoint.write_bytes(next(body for name, body in made.objects.items() if "/checkpoint/" in name))
    command = ["verify", str(export), "--key", str(key), "--seen", str(checkpoint)]
    assert cli.main(command) == 0
    assert "verified" in capsys.readouterr().out
    tile = next(export.rglob("tile/0/*.p/*"))
    tile.write_bytes(b"\0" * 32)
    assert cli.main(command) == 1
    told = capsys.readouterr().out
    assert f"TAMPERED  log {tile.parents[3].name}: tile/0/" in told
    data = next(path for path in export.rglob("*.json.gz") if path.stat().st_size > 100)
    data.write_bytes(data.read_bytes()[:-9])
    assert cli.main(command) == 1
    assert "MD5" in capsys.readouterr().out
    data.unlink()
    assert cli.main(command) == 2
