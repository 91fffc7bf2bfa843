"""Reading packs: which files judge a country, and what they ask together."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

from pydantic import ValidationError

from izin.domain.message import Channel
from izin.domain.pack.base import Cited, ScopedRule
from izin.domain.pack.model import GLOBAL, Pack


class PackError(ValueError):
    """A pack that cannot be trusted: `file:line: place: what is wrong`, one line per fault."""


@cache
def load(pack_id: str) -> Pack:
    """The pack of that id, and with it what holds beside it: its regions, and what all packs share.

    Raises `PackError` if there is none or it is unsound.
    """
    if pack_id not in heads():
        raise PackError(f"{pack_id}: no such pack")
    pack = _read(pack_id)
    for region in pack.joins:
        pack = _joined(pack, load(region))
    if pack_id in _platforms():
        return pack
    shared = _read(GLOBAL).shared
    for platform in _platforms():
        shared = shared + _read(platform)
    return pack.model_copy(update={"shared": shared})


def pack_for(country: str | None) -> Pack | None:
    """The pack of a country (ISO 3166), or None: then `load(GLOBAL)` says what may still go."""
    pack_id = _of_countries().get(country or "")
    return load(pack_id) if pack_id else None


def pack_of(country: str) -> Pack:
    """The pack that judges a number of `country`: its own, or the one of every country without."""
    return pack_for(country) or load(GLOBAL)


def find(rule_id: str) -> Cited | None:
    """The value of that id, in whichever pack it stands."""
    owner = rule_id.split(".")[0]
    for pack_id in heads():
        if pack_id.upper() == owner:
            return next((value for value in _read(pack_id).values() if value.rule == rule_id), None)
    return None


def not_relaxable(rule_id: str) -> str | None:
    """Why a brand may not relax what is called so; None where it may."""
    value = find(rule_id)
    if value is None:
        return f"{rule_id}: no pack has such a rule"
    if not isinstance(value, ScopedRule):
        return f"{rule_id}: is a setting of its pack, not a rule"
    if not value.severity.relaxable:
        return f"{rule_id}: is {value.severity}; only advice and policy may be relaxed"
    return None if value.relaxable else f"{rule_id}: what it forbids never goes, whoever sends it"


@cache
def heads() -> Mapping[str, Mapping[str, Any]]:
    """What each pack says of itself before its first table, by id; other tables lie beside the packs."""
    found = {}
    for path in sorted(_folder().iterdir(), key=lambda path: path.name):
        if path.name.endswith(".toml"):
            head = tomllib.loads(path.read_text("utf-8").partition("\n[")[0])
            if "id" in head:
                found[head["id"]] = head
    return found


@cache
def _of_countries() -> Mapping[str, str]:
    """The pack of each country: of those that name it, the one that names the fewest."""
    widest_first = sorted(heads().values(), key=lambda head: -len(head.get("countries", ())))
    return {country: head["id"] for head in widest_first for country in head.get("countries", ())}


@cache
def _platforms() -> tuple[str, ...]:
    """A platform's pack is called like its channel, and joins every other."""
    return tuple(channel.value for channel in Channel if channel.value in heads())


@cache
def _read(pack_id: str) -> Pack:
    """The file of that id alone."""
    defaults = {} if pack_id == GLOBAL else _read(GLOBAL).settings()
    return parse((_folder() / f"{pack_id}.toml").read_text("utf-8"), f"{pack_id}.toml", defaults)


def _joined(pack: Pack, region: Pack) -> Pack:
    """`pack` with what its region asks as well."""
    theirs = {value.rule: value for value in region.values()}
    for rule in pack.replaces:
        if rule in theirs and not theirs[rule].severity.relaxable:
            raise PackError(f"{pack.id}.toml: {rule} is {theirs[rule].severity} and cannot be replaced")
    unknown = [rule for rule in pack.replaces if rule not in theirs]
    if unknown:
        raise PackError(f"{pack.id}.toml: replaces {unknown[0]}, which {region.id} does not have")
    return pack.joined(region)


def parse(source: str, name: str, defaults: Mapping[str, Cited]) -> Pack:
    """The pack in the TOML text `source` of the file `name`.

    `defaults` are the settings that stand in for those that the file leaves out. Raises `PackError`,
    which names the file and, where it can be found, the line.
    """
    try:
        document = tomllib.loads(source)
        pack = Pack.model_validate({**defaults, **document})
    except tomllib.TOMLDecodeError as error:
        raise PackError(f"{name}: {error}") from error
    except ValidationError as error:
        faults = [
            f"{name}:{_line(source, e['loc'])}: {'.'.join(map(str, e['loc'])) or 'pack'}: {e['msg']}"
            for e in error.errors(include_url=False)
        ]
        raise PackError("\n".join(faults)) from error
    if name != f"{pack.id}.toml":
        raise PackError(f"{name}: holds the pack {pack.id}")
    return pack


def _folder() -> Traversable:
    return resources.files("izin") / "packs"


def _line(source: str, place: Sequence[int | str]) -> int:
    """The line of the TOML text that `place`, as pydantic gives it, most likely means; 1 if unknown."""
    lines = source.splitlines()
    at = 0
    path = ""
    for part in place:
        if isinstance(part, int):
            headers = [n for n, line in enumerate(lines) if line.strip() == f"[[{path}]]"]
            at = headers[part] if part < len(headers) else at
            continue
        table = f"{path}.{part}" if path else part
        key = re.compile(rf"\s*(\[+{re.escape(table)}[\].]|{re.escape(part)}\s*[.=])")
        found = [n for n in range(at, _end_of_table(lines, at, path)) if key.match(lines[n])]
        if found:  # else a key that is missing, or the name of a variant, which is no key
            at, path = found[0], table
    return at + 1


def _end_of_table(lines: Sequence[str], start: int, path: str) -> int:
    """The line at which another table than `path` and those under it begins."""
    if not path:
        return len(lines)
    others = (n for n in range(start + 1, len(lines)) if re.match(rf"\[+(?!{re.escape(path)}\.)", lines[n]))
    return next(others, len(lines))
