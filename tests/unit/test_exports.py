"""Exports are read as AWS lays them out, whole or not at all."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from izin.exports import read, write
from izin.exports.read import Change, Unreadable
from izin.exports.write import Source

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def source(root: Path, table: str = "ledger") -> Source:
    return Source(root, f"exports/{table}", f"arn:aws:dynamodb:x:1:table/{table}", "id-of-the-table")


def event(pk: str, seq: int, **more: Any) -> dict[str, Any]:
    return {"pk": {"S": pk}, "seq": {"N": str(seq)}, **more}


def change(at: int, new: dict[str, Any] | None, old: dict[str, Any] | None = None) -> Change:
    image = new or old or {}
    return Change(at, {"pk": image["pk"], "seq": image["seq"]}, old, new)


def full(root: Path, *images: dict[str, Any], at: datetime = AT) -> read.Export:
    return write.write(source(root), images, at, write.new_id(at, "a1b2c3d4"))


def changed(root: Path, since: datetime, until: datetime, *changes: Change) -> read.Export:
    return write.write_changes(source(root), changes, since, until, write.new_id(until, "0f0f0f0f"))


def seqs(root: Path) -> list[tuple[str, int]]:
    return sorted((item["pk"], item["seq"]) for item in read.items(root, "ledger"))


def test_what_was_written_is_read(tmp_path: Path) -> None:
    image = event(
        "shopx#someone",
        1,
        sealed={"B": b"\x00\xff"},
        purposes={"L": [{"S": "marketing"}]},
        details={"M": {"country": {"S": "ID"}}},
        by_person={"BOOL": True},
        note={"NULL": True},
        brands={"SS": ["shopx"]},
    )
    full(tmp_path, image)
    assert list(read.items(tmp_path, "ledger")) == [
        {
            "pk": "shopx#someone",
            "seq": 1,
            "sealed": b"\x00\xff",
            "purposes": ["marketing"],
            "details": {"country": "ID"},
            "by_person": True,
            "note": None,
            "brands": {"shopx"},
        }
    ]


def test_the_layout_is_that_of_aws(tmp_path: Path) -> None:
    """The names, and what the manifests say, as the developer guide shows them."""
    full(tmp_path, event("a", 1))
    folder = tmp_path / "exports/ledger/AWSDynamoDB/01795348800000-a1b2c3d4"
    assert {path.name for path in folder.iterdir()} == {
        "_started",
        "data",
        "manifest-files.json",
        "manifest-files.md5",
        "manifest-summary.json",
        "manifest-summary.md5",
    }
    summary = json.loads((folder / "manifest-summary.json").read_text())
    assert summary["manifestFilesS3Key"] == str((folder / "manifest-files.json").relative_to(tmp_path))
    assert (summary["itemCount"], summary["outputFormat"]) == (1, "DYNAMODB_JSON")
    for line in (folder / "manifest-files.json").read_text().splitlines():
        entry = json.loads(line)
        lines = gzip.decompress((tmp_path / entry["dataFileS3Key"]).read_bytes()).splitlines()
        assert len(lines) == entry["itemCount"]
        assert [json.loads(line) for line in lines] in ([], [{"Item": event("a", 1)}])


def test_incremental_exports_go_on_from_the_full_one(tmp_path: Path) -> None:
    full(tmp_path, event("a", 1), event("b", 1), event("c", 1))
    changed(tmp_path, AT - HOUR, AT, change(1, event("x", 9)))  # is in the full one, or was deleted since
    changed(tmp_path, AT, AT + HOUR, change(2, event("a", 2)), change(3, None, event("b", 1)))
    changed(tmp_path, AT + HOUR, AT + 2 * HOUR, change(4, event("b", 7)), change(5, None, event("b", 7)))
    assert seqs(tmp_path) == [("a", 1), ("a", 2), ("c", 1)]


def test_a_newer_full_export_replaces_what_was_before(tmp_path: Path) -> None:
    full(tmp_path, event("a", 1))
    changed(tmp_path, AT, AT + HOUR, change(2, event("a", 2)))
    full(tmp_path, event("z", 1), at=AT + 2 * HOUR)
    assert seqs(tmp_path) == [("z", 1)]


def test_incremental_exports_alone_are_the_whole_of_a_young_table(tmp_path: Path) -> None:
    changed(tmp_path, AT, AT + HOUR, change(2, event("a", 1)))
    changed(tmp_path, AT + HOUR, AT + 2 * HOUR, change(3, event("a", 2)))
    assert seqs(tmp_path) == [("a", 1), ("a", 2)]


def test_the_timestamp_of_a_change_may_be_a_bare_number(tmp_path: Path) -> None:
    export = changed(tmp_path, AT, AT + HOUR, change(2, event("a", 1)))
    for file in export.files:
        lines = gzip.decompress(file.path.read_bytes())
        file.path.write_bytes(gzip.compress(lines.replace(b'{"N": "2"}', b"2")))
    assert [found.at for found in read.changes(export)] == [2]


def test_a_gap_is_not_read_over(tmp_path: Path) -> None:
    full(tmp_path, event("a", 1))
    changed(tmp_path, AT + HOUR, AT + 2 * HOUR, change(2, event("a", 2)))
    with pytest.raises(Unreadable, match=r"nothing was exported from 2026-11-22T12:00:00.000Z"):
        seqs(tmp_path)


def _a_file(root: Path) -> Path:
    return max((path for path in root.rglob("*.json.gz")), key=lambda path: path.stat().st_size)


def _cut(root: Path) -> None:
    path = _a_file(root)
    path.write_bytes(path.read_bytes()[:-9])


def _edit(root: Path) -> None:
    path = _a_file(root)
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()).replace(b"marketing", b"MARKETING")))


def _lose(root: Path) -> None:
    _a_file(root).unlink()


def _break_the_manifest(root: Path) -> None:
    next(root.rglob("manifest-files.json")).write_text("{")


def _strip_the_manifest(root: Path) -> None:
    next(root.rglob("manifest-summary.json")).write_text("{}")


@pytest.mark.parametrize("damage", [_cut, _edit, _lose, _break_the_manifest, _strip_the_manifest])
def test_damage_is_noticed(tmp_path: Path, damage: Any) -> None:
    full(tmp_path, event("a", 1, note={"S": "marketing"}))
    damage(tmp_path)
    with pytest.raises(Unreadable):
        seqs(tmp_path)


def test_a_count_that_differs_from_the_manifest_is_noticed(tmp_path: Path) -> None:
    export = full(tmp_path, event("a", 1))
    manifest = next(tmp_path.rglob("manifest-files.json"))
    manifest.write_text(manifest.read_text().replace('"itemCount": 1', '"itemCount": 2'))
    with pytest.raises(Unreadable, match="1 items where the manifest states 2"):
        seqs(tmp_path)
    assert sum(file.items for file in export.files) == 1


def test_an_empty_folder_says_what_to_copy(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="aws s3 sync"):
        seqs(tmp_path)


def test_another_table_is_named(tmp_path: Path) -> None:
    full(tmp_path, event("a", 1))
    with pytest.raises(Unreadable, match="messages: no export of it"):
        list(read.items(tmp_path, "messages"))


keys = st.tuples(st.sampled_from("abc"), st.integers(1, 3))


@settings(deadline=None)  # it writes files
@given(
    before=st.sets(keys),
    steps=st.lists(st.lists(st.tuples(keys, st.booleans()), max_size=5), max_size=4),
)
def test_any_history_of_changes_ends_in_its_last_images(
    tmp_path_factory: pytest.TempPathFactory,
    before: set[tuple[str, int]],
    steps: list[list[tuple[tuple[str, int], bool]]],
) -> None:
    root, expected, at, clock = tmp_path_factory.mktemp("e"), set(before), AT, 0
    full(root, *(event(pk, seq) for pk, seq in before))
    for step in steps:
        changes = []
        for (pk, seq), stays in step:
            clock += 1
            image = event(pk, seq)
            changes.append(change(clock, image if stays else None, None if stays else image))
            (expected.add if stays else expected.discard)((pk, seq))
        changed(root, at, at + HOUR, *changes)
        at += HOUR
    assert seqs(root) == sorted(expected)
