"""The pages that follow from the packs are current, and the coverage page leaves no row open."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest
from izin.domain.message import Purpose
from izin.domain.pack import heads, load

ROOT = Path(__file__).parents[2]


def _build_docs() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_docs", ROOT / "tools/build_docs.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


DOCS = _build_docs()


def test_the_pages_are_current() -> None:
    pages = DOCS.pages()
    stale = [
        path.name for path, text in pages.items() if not path.is_file() or path.read_text("utf-8") != text
    ]
    assert stale == [], "run `python tools/build_docs.py` and review what changed"
    assert set(DOCS.RULES.iterdir()) == {path for path in pages if path.parent == DOCS.RULES}


def test_every_row_is_implemented_and_proved_or_says_why_not() -> None:
    for line in DOCS.coverage().splitlines():
        cells = [cell.strip() for cell in line.split(" | ")]
        if re.match(r"\| [SL]-", line):
            assert cells[3], line
            assert "planned" in cells[3] or cells[4].strip("| "), line


def test_what_the_coverage_names_exists() -> None:
    for path in set(re.findall(r"`(tests/[\w/.]+)`", DOCS.coverage())):
        assert (ROOT / path).is_file(), path


@pytest.mark.parametrize("pack_id", list(heads()))
def test_pictures_are_svg_of_the_whole_week(pack_id: str) -> None:
    root = ElementTree.fromstring(DOCS.picture(load(pack_id)))
    assert root.tag.endswith("svg")
    for purpose in Purpose:
        shares = DOCS.shares(load(pack_id), purpose)
        assert [len(day) for day in shares] == [48] * 7


def test_the_picture_of_the_united_states_shows_how_many_states_are_open() -> None:
    monday = DOCS.shares(load("US"), Purpose.MARKETING)[0]
    sunday = DOCS.shares(load("US"), Purpose.MARKETING)[6]
    assert monday[7 * 2] == 0
    assert 0 < monday[8 * 2] < monday[9 * 2] < monday[10 * 2] == 1
    assert sunday[12 * 2] < 1
