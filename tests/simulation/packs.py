"""Which rules does a worker know? Those of the packs that it was deployed with.

Every second deployment of a history brings packs of another version, whose hours are narrower by an
hour at either end. They are the product's own files, with these values changed, read by its own reader.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from importlib import resources

from izin.domain.pack import GLOBAL, Pack, loader

LATER = frozenset({"ID", "BR", "GB"})
_load = loader.load
_HOURS = re.compile(r"opens = (\d\d):00:00, closes = (\d\d):00:00")


def deploy(is_later: Callable[[], bool]) -> None:
    """Have packs read as of the later version whenever `is_later`: for the worker that runs just then."""

    def load(pack_id: str) -> Pack:
        return _later(pack_id) if pack_id in LATER and is_later() else _load(pack_id)

    loader.load = load


@cache
def _later(pack_id: str) -> Pack:
    pack = _load(pack_id)
    text = (resources.files("izin") / "packs" / f"{pack_id}.toml").read_text("utf-8")
    text = text.replace(f'version = "{pack.version}"', 'version = "2099-01-01"')
    text = _HOURS.sub(lambda h: f"opens = {int(h[1]) + 1:02}:00:00, closes = {int(h[2]) - 1:02}:00:00", text)
    later = loader.parse(text, f"{pack_id}.toml", _load(GLOBAL).settings())
    return later.model_copy(update={"shared": pack.shared})
