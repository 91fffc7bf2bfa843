"""What does the file of a list say, line by line? CSV of any usual kind, or a JSON object a line."""

from __future__ import annotations

import codecs
import contextlib
import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DELIMITERS = ",;\t|"


class NotReadable(Exception):
    """A file that is no list; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line: where it begins, and its cells by column. `fault` is a code where it cannot be read."""

    line: int
    cells: Mapping[str, str] = field(default_factory=dict, repr=False)
    fault: str | None = None


class Rows:
    """The rows of a file, read as they are asked for: memory does not grow with the file.

    `columns` are the names in the first line; None where each line is an object that names its own.
    Raises NotReadable.
    """

    def __init__(self, path: Path) -> None:
        self._raw = path.open("rb")
        self.size = path.stat().st_size
        try:
            self._begin()
        except BaseException:
            self.close()
            raise

    def _begin(self) -> None:
        packed = self._raw.read(2) == b"\x1f\x8b"
        self._raw.seek(0)
        source = io.BufferedReader(gzip.GzipFile(fileobj=self._raw)) if packed else self._raw
        with _readable():
            start = source.peek(4)
            encoding = next((name for bom, name in _BOMS if start.startswith(bom)), "utf-8")
            self._text = io.TextIOWrapper(source, encoding, newline="")
            self._first = self._text.readline()
        if not self._first.strip():
            raise NotReadable("its first line is empty; begin with the names of the columns")
        self._delimiter = max(_DELIMITERS, key=self._first.count)
        self.columns = None if self._first.lstrip().startswith("{") else self._names()

    def __enter__(self) -> Rows:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the file go."""
        self._raw.close()

    def _names(self) -> list[str]:
        columns = [name.strip() for name in next(csv.reader([self._first], delimiter=self._delimiter))]
        doubled = sorted({name for name in columns if name and columns.count(name) > 1})
        if doubled:
            raise NotReadable(f"two columns are called {doubled[0]!r}; rename one")
        return columns

    @property
    def read(self) -> int:
        """How many bytes of the file were read."""
        return self._raw.tell()

    def __iter__(self) -> Iterator[Row]:
        with _readable():
            yield from self._objects() if self.columns is None else self._cells(self.columns)

    def _cells(self, columns: list[str]) -> Iterator[Row]:
        reader = csv.reader(self._text, delimiter=self._delimiter)
        while True:
            line = reader.line_num + 2  # the first line is read already
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error:
                yield Row(line, fault="csv_invalid")
                continue
            if any(cell.strip() for cell in cells[len(columns) :]):
                yield Row(line, fault="surplus_cell")
            elif any(cell.strip() for cell in cells):
                yield Row(line, dict(zip(columns, (cell.strip() for cell in cells), strict=False)))

    def _objects(self) -> Iterator[Row]:
        line, text = 1, self._first
        while text:
            if text.strip():
                yield _object(line, text)
            line, text = line + 1, self._text.readline()


def _object(line: int, text: str) -> Row:
    try:
        found = json.loads(text)
        return Row(line, dict(_flat(found))) if isinstance(found, dict) else Row(line, fault="json_invalid")
    except (ValueError, RecursionError):
        return Row(line, fault="json_invalid")


@contextlib.contextmanager
def _readable() -> Iterator[None]:
    """What a file may be that is no list, as NotReadable."""
    try:
        yield
    except UnicodeError:
        raise NotReadable("it is no UTF-8 or UTF-16; save it as CSV UTF-8") from None
    except (OSError, EOFError, zlib.error) as error:
        raise NotReadable(str(error)) from None


def _flat(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """An object's values under dotted names: of a list the values in one cell."""
    for name, inner in value.items():
        if isinstance(inner, Mapping):
            yield from _flat(inner, f"{prefix}{name}.")
        elif isinstance(inner, list):
            yield prefix + name, ", ".join(map(str, inner))
        elif isinstance(inner, bool):
            yield prefix + name, str(inner).lower()
        elif inner is not None:
            yield prefix + name, str(inner).strip()
