"""Lists are read as other systems write them, and what has no one meaning is refused with its remedy."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from izin.domain.phone import InvalidNumber
from izin.lists import columns, numbers, upload
from izin.lists.columns import Kind, Line, Reading
from izin.lists.rows import NotReadable, Row, Rows
from izin.lists.upload import Journal


def reading(kind: Kind = Kind.OPT_OUTS, **fields: Any) -> Reading:
    defaults = {"brand": "shopx", "channel": "sms", "source": "import", **fields.pop("defaults", {})}
    return Reading(kind=kind, named=fields.pop("named", {}), defaults=defaults, **fields)


def lines(path: Path, how: Reading) -> list[Line]:
    return [how.line(row) for row in rows(path)]


def rows(path: Path) -> list[Row]:
    with Rows(path) as found:
        return list(found)


def codes(line: Line) -> list[tuple[str, str]]:
    return [(fault.field, fault.code) for fault in line.faults]


TABLE = "Phone;Opted out at\n+6281234567890;2026-11-22T12:00:00Z\n+6281234567891;2026-11-23T12:00:00Z\n"


@pytest.mark.parametrize(
    "content",
    [
        TABLE.encode(),
        TABLE.encode("utf-8-sig"),
        TABLE.encode("utf-16"),
        b"\xfe\xff" + TABLE.encode("utf-16-be"),
        TABLE.replace(";", ",").encode(),
        TABLE.replace(";", "\t").encode(),
        TABLE.replace("\n", "\r\n").encode(),
        TABLE.replace("\n", "\n\n").encode(),
        gzip.compress(TABLE.encode(), mtime=0),
        gzip.compress(TABLE.encode("utf-16"), mtime=0),
    ],
)
def test_every_usual_kind_of_csv(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "list").write_bytes(content)
    found = lines(tmp_path / "list", reading())
    assert [line.body and (line.body["address"], line.body["given_at"]) for line in found] == [
        ("+6281234567890", "2026-11-22T12:00:00.000Z"),
        ("+6281234567891", "2026-11-23T12:00:00.000Z"),
    ]


def test_lines_are_counted_as_an_editor_does(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text('phone,reason\n+1,"two\nlines"\n+2,\n\n+3,x,surplus\n"+4,open\n', "utf-8")
    assert [(row.line, row.fault) for row in rows(path)] == [
        (2, None),
        (4, None),
        (6, "surplus_cell"),
        (7, None),
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "first line is empty"),
        (b"phone\n\xff\xfe\xfa", "UTF-8"),
        (b"phone,phone\n", "two columns"),
        (b"\x1f\x8b not gzip", "compression"),
    ],
)
def test_what_is_no_list(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "list").write_bytes(content)
    with pytest.raises(NotReadable, match=words):
        rows(tmp_path / "list")


@pytest.mark.parametrize(
    ("text", "country", "plus_lost", "expected"),
    [
        ("+62 812-3456-7890", None, False, "+6281234567890"),
        ("'+6281234567890", None, False, "+6281234567890"),
        ("\u202a+62\u00a0812\u00a03456\u00a07890\u202c", None, False, "+6281234567890"),
        ("tel:+6281234567890", None, False, "+6281234567890"),
        ("006281234567890", None, False, "+6281234567890"),
        ("(0812) 3456.7890", "ID", False, "+6281234567890"),
        ("81234567890", "ID", False, "+6281234567890"),
        ("6281234567890", "ID", False, "+6281234567890"),
        ("6281234567890.0", "ID", False, "+6281234567890"),
        ("6281234567890", None, True, "+6281234567890"),
        ("2025550123", "US", False, "+12025550123"),
        ("12025550123", "US", False, "+12025550123"),
        ("5511987654321", "ID", True, "+5511987654321"),
        ("6.28123E+12", "ID", True, "number_scientific"),
        ("6,28123456789E+12", None, False, "number_scientific"),
        ("6281234567890", None, False, "number_without_plus"),
        ("081234567890", None, True, "number_invalid"),
        ("5511987654321", "ID", False, "number_invalid"),
        ("6598765432", "US", True, "number_ambiguous"),  # Alabama, or Singapore
        ("+", None, False, "number_not_e164"),
        ("call me", "ID", False, "number_not_e164"),
        ("+62812", "ID", False, "number_impossible"),
    ],
)
def test_numbers_as_spreadsheets_leave_them(
    text: str, country: str | None, plus_lost: bool, expected: str
) -> None:
    try:
        found = numbers.e164(text, country, plus_lost=plus_lost)
    except InvalidNumber as error:
        found = error.code
    assert found == expected


@given(st.text(max_size=30), st.sampled_from([None, "ID", "US", "DE"]), st.booleans())
def test_any_cell_is_a_number_or_refused(text: str, country: str | None, plus_lost: bool) -> None:
    try:
        found = numbers.e164(text, country, plus_lost=plus_lost)
    except InvalidNumber as error:
        found = error.remedy
    assert found


@pytest.mark.parametrize(
    ("text", "offset", "no", "yes"),
    [
        ("2026-11-22T12:00:00Z", None, "2026-11-22T12:00:00.000Z", "2026-11-22T12:00:00.000Z"),
        ("2026-11-22 12:00:00", 7, "2026-11-22T05:00:00.000Z", "2026-11-22T05:00:00.000Z"),
        ("2026-11-22", 7, "2026-11-22T16:59:59.999Z", "2026-11-21T17:00:00.000Z"),
        ("1795348800", None, "2026-11-22T12:00:00.000Z", "2026-11-22T12:00:00.000Z"),
        ("1795348800000", None, "2026-11-22T12:00:00.000Z", "2026-11-22T12:00:00.000Z"),
        ("2026-11-22 12:00:00", None, "time_without_offset", "time_without_offset"),
        ("22/11/2026", 7, "time_not_rfc3339", "time_not_rfc3339"),
    ],
)
def test_of_a_day_alone_a_no_counts_from_its_end_and_a_yes_from_its_beginning(
    text: str, offset: int | None, no: str, yes: str
) -> None:
    hours = timedelta(hours=offset) if offset else None
    for kind, name, expected in ((Kind.OPT_OUTS, "given_at", no), (Kind.CONSENTS, "captured_at", yes)):
        line = reading(kind, offset=hours).line(Row(2, {"phone": "+6281234567890", name: text}))
        assert (line.body[name] if line.body else line.faults[0].code) == expected


def test_everything_that_is_wrong_with_a_line_is_said() -> None:
    line = reading().line(Row(2, {"phone": "", "given_at": "", "dnc": "perhaps"}))
    assert codes(line) == [("address", "missing"), ("given_at", "missing"), ("do_not_contact", "bool_type")]


ENDPOINT = {
    "Address": "+6281234567890",
    "ChannelType": "SMS",
    "OptOut": "ALL",
    "EffectiveDate": "2026-10-01T08:30:00.000Z",
    "Id": "e-1",
    "Location": {"Country": "ID"},
    "Attributes": {"OptInDate": ["2025-01-02T03:04:05Z"], "Wording": ["Saya setuju."]},
    "User": {"UserId": "u-1"},
}


def test_endpoints_of_pinpoint(tmp_path: Path) -> None:
    """As its export job writes them: one endpoint a line, gzip; its CSV has the same names with dots."""
    endpoints: list[dict[str, Any]] = [
        ENDPOINT,
        {**ENDPOINT, "OptOut": "NONE"},
        {name: value for name, value in ENDPOINT.items() if name != "OptOut"},
        {**ENDPOINT, "ChannelType": "EMAIL", "Address": "someone@example.com"},
        {**ENDPOINT, "Address": "081234567890"},
    ]
    path = tmp_path / "endpoints.gz"
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, endpoints)).encode()))
    out = lines(path, reading())
    assert [line.body is not None for line in out] == [True, False, False, False, True]
    assert not any(line.faults for line in out)
    assert out[0].body == {
        "id": "import",
        "address": "+6281234567890",
        "brand": "shopx",
        "channel": "sms",
        "source": "import",
        "given_at": "2026-10-01T08:30:00.000Z",
    }
    named = {"captured_at": "Attributes.OptInDate", "wording": "Attributes.Wording"}
    agreed = lines(path, reading(Kind.CONSENTS, named=named))
    assert [line.body is not None for line in agreed] == [False, True, True, False, False]
    assert agreed[1].body
    assert agreed[1].body["captured_at"] == "2025-01-02T03:04:05.000Z"
    assert agreed[1].body["wording"] == "Saya setuju."


def test_an_object_that_is_none_is_a_line_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.jsonl"
    path.write_text('{"Address": "+6281234567890"}\n[1]\n{"Address"\n')
    assert [row.fault for row in rows(path)] == [None, "json_invalid", "json_invalid"]


def test_a_column_may_be_named_and_no_column_is_taken_twice() -> None:
    header = ("Phone", "Mobile", "date")
    assert columns.find(Kind.OPT_OUTS, header, ()) == {"address": "Phone", "given_at": "date"}
    assert columns.find(Kind.OPT_OUTS, header, (("address", "Mobile"),))["address"] == "Mobile"
    assert columns.find(Kind.CONSENTS, header, (("confirmed_at", "date"),)) == {
        "address": "Phone",
        "confirmed_at": "date",
    }


def test_evidence_has_columns_of_its_own() -> None:
    row = Row(2, {"phone": "+6281234567890", "IP Address": "192.0.2.1", "purpose": "marketing; announcement"})
    body = reading(Kind.CONSENTS).line(row).body
    assert body
    assert (body["evidence"], body["purposes"]) == ({"ip": "192.0.2.1"}, ["marketing", "announcement"])


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """Twice the lines take the same memory, once as many numbers were read as are remembered (4,096)."""

    def peak(count: int) -> int:
        path, last = tmp_path / f"{count}.csv", 220_000_000 + count
        with path.open("w") as target:
            target.write("phone,date\n")
            target.writelines(f"+6281{number:09d},2026-11-01\n" for number in range(220_000_000, last))
        tracemalloc.start()
        with Rows(path) as found, Journal(tmp_path / f"{count}.report.csv", "id") as journal:
            how = reading(offset=timedelta(hours=7))
            accept = {"event_id": "e"}
            done = upload.run(
                map(how.line, found),
                lambda bodies: [(200, accept)] * len(bodies),
                journal,
                kind=Kind.OPT_OUTS,
                concurrency=4,
                told=lambda _: None,
            )
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert done.counts == {"recorded": count}
        return highest

    small, large = peak(5_000), peak(10_000)
    assert large < small + 500_000  # bytes; five thousand lines that were kept would be some five million
