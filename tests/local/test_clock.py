"""Does the product's clock move forward only, and does everybody read it alike?"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from infra import local
from infra.emulator import LocalError
from infra.local_overlay.izin.aws import clock

NIGHT = datetime(2026, 11, 22, 16, 30, tzinfo=UTC)


@pytest.fixture
def clock_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "clock"
    file.write_text(f"{datetime.now(UTC).timestamp()} {(NIGHT - datetime.now(UTC)).total_seconds()}\n")
    monkeypatch.setenv("IZIN_CLOCK_FILE", str(file))
    return file


@pytest.mark.usefixtures("clock_file")
def test_it_goes_on_from_where_it_was_set() -> None:
    assert NIGHT <= clock.now() < NIGHT + timedelta(seconds=5)


def test_it_moves_forward(clock_file: Path) -> None:
    morning = NIGHT + timedelta(hours=8, minutes=30)
    local.move_clock(clock_file, morning)
    assert morning <= clock.now() < morning + timedelta(seconds=5)


def test_it_does_not_move_back(clock_file: Path) -> None:
    with pytest.raises(LocalError, match="only moves forward"):
        local.move_clock(clock_file, NIGHT - timedelta(seconds=1))


def test_what_a_carrier_took_before_a_move_keeps_its_time(clock_file: Path) -> None:
    taken = datetime.now(UTC)
    clock_file.write_text(f"{taken.timestamp() - 60} 0\n{taken.timestamp() + 2} 3600\n")
    assert clock.carrier_time(taken.isoformat()) < taken + timedelta(seconds=1)


@pytest.mark.usefixtures("clock_file")
def test_what_a_carrier_took_is_in_the_products_time() -> None:
    assert NIGHT <= clock.carrier_time(datetime.now(UTC).isoformat()) <= clock.now()


@pytest.mark.usefixtures("clock_file")
def test_a_carriers_time_names_its_offset() -> None:
    with pytest.raises(ValueError, match="offset"):
        clock.carrier_time("2026-11-23T08:00:00")


@pytest.mark.parametrize("text", ["2026-11-23T08:00", "2026-11-23", "8 o'clock", ""])
def test_a_time_names_its_offset(text: str) -> None:
    with pytest.raises(LocalError, match=r"\+07:00"):
        local.instant(text)


def test_there_is_no_clock_without_a_stack(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="make run"):
        local.set_clock("2026-11-23T08:00+07:00", tmp_path)
