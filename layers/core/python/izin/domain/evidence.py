"""What may be kept as evidence of a consent, and is it what its name says?"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

FILES = frozenset({"copy", "recording", "screenshot"})
"""Evidence that is a file: it is uploaded first, and a consent names its SHA-256."""

PERSONAL = frozenset({"address", "cpf", "ip", "signature"})
"""Evidence that tells who the person is."""

_FILE = re.compile(r"sha256:[0-9a-f]{64}")
_CPF = re.compile(r"\d{3}\.?\d{3}\.?\d{3}-?\d{2}")
_REFERENCE = re.compile(r"[!-~]{1,64}")


def fault(name: str, value: str) -> str | None:
    """What is wrong with the evidence called `name`, and the remedy; None if nothing is.

    What is said repeats nothing of `value`.
    """
    check = _CHECKS.get(name)
    return None if check is None else check(value)


def file_of(name: str, value: str) -> str | None:
    """The SHA-256, in hexadecimal, of the file that the evidence called `name` is; None if it is none."""
    if (name in FILES or name == "signature") and _FILE.fullmatch(value):
        return value.removeprefix("sha256:")
    return None


def cpf_digits(text: str) -> str:
    """The eleven digits of a Brazilian tax number, however it is written."""
    return "".join(filter(str.isdigit, text))


def _file(value: str) -> str | None:
    if _FILE.fullmatch(value):
        return None
    return "name the file as sha256: and 64 hexadecimal digits; POST /v1/evidence uploads it"


def _ip(value: str) -> str | None:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return "give one IPv4 or IPv6 address, such as 203.0.113.7"
    return None


def _cpf(value: str) -> str | None:
    """Two check digits, each the sum of the weighted digits before it, modulo 11 (Receita Federal)."""
    digits = [int(digit) for digit in cpf_digits(value)]
    if not value.isascii() or not _CPF.fullmatch(value):
        return "give the eleven digits of the CPF, as 529.982.247-25"
    for length in (9, 10):
        weighted = sum(digit * (length + 1 - place) for place, digit in enumerate(digits[:length]))
        if weighted * 10 % 11 % 10 != digits[length]:
            return "the check digits do not fit: ask for the CPF again"
    if len(set(digits)) == 1:
        return "no CPF repeats one digit: ask for it again"
    return None


def _signature(value: str) -> str | None:
    """What was typed as a signature, or the file of one that was drawn or written."""
    return _file(value) if value.startswith("sha256:") else None


def _reference(value: str) -> str | None:
    if _REFERENCE.fullmatch(value):
        return None
    return "give the reference as the operator wrote it: at most 64 characters, without spaces"


_CHECKS: dict[str, Callable[[str], str | None]] = {
    **dict.fromkeys(FILES, _file),
    "ip": _ip,
    "cpf": _cpf,
    "signature": _signature,
    "dca_reference": _reference,
}
