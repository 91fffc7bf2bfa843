"""Where do the values of the packs come from? `sources.toml` as values."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources

from izin.domain.pack.base import Model


class Source(Model):
    """What one row asks, in our words, and the text that says so.

    `code` and `test` name what implements it where no value of a pack does; `planned` the area that
    will; `information` where it shows, for a row that asks nothing of the gate.
    """

    says: str
    cite: str
    code: str | None = None
    test: str | None = None
    planned: str | None = None
    information: str | None = None


@cache
def sources() -> Mapping[str, Source]:
    """Every row by its id."""
    table = tomllib.loads((resources.files("izin") / "packs" / "sources.toml").read_text("utf-8"))
    guides: Mapping[str, str] = table["guides"]
    return {
        row: Source.model_validate({"cite": guides.get(row.rpartition("-")[0], ""), **told})
        for row, told in table["sources"].items()
    }
