"""Who is in a history? People with phones, and brands that write to them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from izin.aws import identity
from izin.aws.runtime import Runtime

from tests.simulation.world import PEPPERS


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a phone, and how texts are written where they live."""

    number: str
    country: str
    language: str
    promotion: str
    stop: tuple[str, ...]
    stop_promotions: str
    yes: str
    help: str

    @property
    def id(self) -> str:
        """Their pseudonym, as tables and tickets carry it."""
        return pseudonym(self.number)


ANA = Person(
    "+6281234567890",
    "ID",
    "id",
    "diskon 20%. Balas STOP untuk berhenti",
    ("STOP", "berhenti", "Stop."),
    "STOP PROMO",
    "YA",
    "BANTUAN",
)
BIA = Person(
    "+5511987654321",
    "BR",
    "pt-BR",
    "oferta de 20% hoje. Responda SAIR para cancelar",
    ("SAIR", "STOP", "Parar"),
    "SAIR PROMOCOES",
    "SIM",
    "AJUDA",
)
HANS = Person("+41791234567", "CH", "de", "20% Rabatt. STOP beendet", ("STOP",), "STOP ADS", "JA", "HILFE")
KIM = Person(
    "+447400123456",
    "GB",
    "en",
    "20% off today. Reply STOP to opt out",
    ("STOP", "stop.", "Unsubscribe"),
    "STOP ADS",
    "YES",
    "HELP",
)
PEOPLE = (ANA, BIA, HANS, KIM)


@dataclass(frozen=True, slots=True)
class Brand:
    """Who speaks. `double` is whether a consent must be confirmed; `repeats`: at-least-once senders."""

    id: str
    name: str
    double: bool
    repeats: bool

    def asks(self, person: Person) -> bool:
        """Whether a consent of `person` must be confirmed: BR asks for it, whatever the brand would like."""
        return self.double or person.country == "BR"

    def sender(self, person: Person) -> str:
        return f"{self.id}-{person.country.lower()}"

    def address(self, person: Person) -> str:
        place = {"ID": "+62811000", "BR": "+55119000", "CH": "+4179000", "GB": "+4474000"}[person.country]
        return f"{place}{1000 if self.double else 2000}"


SHOPX = Brand("shopx", "ShopX", double=True, repeats=False)
KOPI = Brand("kopi", "Kopi", double=False, repeats=True)
BRANDS = (SHOPX, KOPI)


@cache
def pseudonym(number: str) -> str:
    return identity.recipient(Runtime(dynamodb=None, sqs=None, peppers=PEPPERS), number)
