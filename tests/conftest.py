"""Every test reads the pinned time-zone data, never the machine's older one; none is judged by its speed.

What costs much to set up is set up by one worker alone: it gets every test of a folder that shares it.
"""

import zoneinfo
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

zoneinfo.reset_tzpath(to=[])

# How fast it is, is for the bench to say: a busy machine must not make a property false.
settings.register_profile("izin", deadline=None)
settings.load_profile("izin")

SHARING = ("tests/infra", "tests/local")
"""One synthesized template, one running stack."""


class _Together(LoadFileScheduling):
    def _split_scope(self, nodeid: str) -> str:
        folder = nodeid.partition("::")[0].rpartition("/")[0]
        return folder if folder in SHARING else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:
    return _Together(config, log)
