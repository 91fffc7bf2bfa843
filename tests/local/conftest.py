"""The whole stack, deployed into an emulator: one for all tests of a session, on ports of its own."""

import socket
from collections.abc import Iterator

import pytest

from infra import local
from infra.emulator import is_free


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[local.Stack]:
    """A running stack whose product's clock was started at half past eleven in the evening in Jakarta."""
    at = local.instant("2026-11-22T23:30+07:00")
    with local.started(_free_ports(), at, tmp_path_factory.mktemp("stack")) as running:
        yield running


def _free_ports() -> int:
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        if is_free(port + 1) and is_free(port + 2):
            return port
