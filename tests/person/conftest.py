"""Nothing of a person, and no token, is ever logged."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator

import pytest

# Before the function is imported: its logger and metrics read these once.
os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "izin-tests")
os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "Izin")

from izin.aws import pages


@pytest.fixture(autouse=True)
def no_token_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> Iterator[None]:
    made: list[str] = []
    make = pages.token

    def noted(*args: object) -> str:
        made.append(make(*args))  # type: ignore[arg-type]
        return made[-1]

    monkeypatch.setattr(pages, "token", noted)
    logger = logging.getLogger(os.environ["POWERTOOLS_SERVICE_NAME"])
    logger.addHandler(caplog.handler)
    yield
    logger.removeHandler(caplog.handler)
    out, err = capsys.readouterr()
    told = "\n".join([*(repr(record.__dict__) for record in caplog.records), out, err])
    for token in made:
        assert token not in told
        assert pages.page_key(token) not in told
