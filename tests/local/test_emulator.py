"""Is a busy port named with a remedy, and does the emulator leave nothing behind?"""

import socket
from pathlib import Path

import pytest

from infra import emulator
from infra.emulator import LocalError


def test_a_busy_port_names_the_remedy() -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        with pytest.raises(LocalError, match=rf"Port {port} .* PORT=\d+ make run"):
            emulator.require_free(port, port + 1)


@pytest.mark.parametrize("text", ["99999", "65534", "0", "-1", "4566.5", "٤٥٦٦", "http", ""])
def test_what_is_no_port_is_named_with_the_remedy(text: str) -> None:
    with pytest.raises(LocalError, match=rf"PORT={text} .*up to 65533.* PORT=4600 make run"):
        emulator.port(text)


def test_a_busy_port_at_the_end_of_all_ports_names_the_remedy() -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 65533))
        busy.listen()
        with pytest.raises(LocalError, match=r"Port 65533 .* PORT=\d+ make run"):
            emulator.require_free(65533, 65534, 65535)


def test_it_starts_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    with emulator.running(tmp_path, port, {}) as running:
        assert running.client("sts").get_caller_identity()["Account"] == emulator.ACCOUNT

    assert emulator.is_free(port)
    assert [file.name for file in tmp_path.iterdir()] == ["emulator.log"]
