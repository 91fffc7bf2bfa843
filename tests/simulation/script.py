"""What happens in one history? From one seed: who is in it, when it is, who agrees, sends, and says STOP.

Acts come close together, around the edges of windows more often than not. Scenes are acts in an order
that chance would rarely make, each of them where something once went wrong, or a mutant hid.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from tests.simulation import acts
from tests.simulation.cast import ANA, BIA, BRANDS, HANS, KIM, KOPI, SHOPX, Brand, Person
from tests.simulation.faults import FAVOURITES, Fault
from tests.simulation.history import History
from tests.simulation.seen import SECOND
from tests.simulation.world import Hostility

Act = Callable[[History, Person, Brand], None]

_promotion: Act = partial(acts.submit, purpose="marketing")
_order: Act = partial(acts.submit, purpose="transactional")
_notice: Act = partial(acts.submit, purpose="transactional", essential=True)
_code: Act = partial(acts.submit, purpose="authentication")

_ACTS: tuple[Act, ...] = (
    *[_promotion] * 9,
    *[_code] * 2,
    *[_order] * 2,
    *[_notice] * 2,
    partial(acts.submit, purpose="announcement"),
    *[acts.stop] * 7,
    *[acts.opt_out] * 3,
    *[acts.start] * 2,
    *[acts.consent] * 2,
    *[acts.confirm] * 2,
    acts.ask_help,
    acts.mumble,
    acts.redeploy,
)


def _by_the_other(act: Act) -> Act:
    return lambda history, person, brand: act(history, person, KOPI if brand is SHOPX else SHOPX)


_OPENS = {"ID": (1, 2), "BR": (12, 13), "CH": (9, 9), "GB": (8, 9)}
_CLOSES = {"ID": (11, 10), "BR": (23, 22), "CH": (16, 16), "GB": (20, 19)}
"""The hours, in UTC, at which promotions open and close then: by the packs, and by their later version."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Acts, each at most so many seconds after the one before; and what makes them meet.

    `people`: one of those it happens to. `favourites`: what goes wrong again and again. `begins`: it is the
    first of the history, so many seconds after a window opens, closes, or has been open for an hour.
    """

    steps: tuple[tuple[Act, float], ...]
    people: tuple[Person, ...] = ()
    favourites: frozenset[Fault] = frozenset()
    begins: tuple[Mapping[str, tuple[int, int]], float, float] | None = None


_brief_order: Act = partial(acts.submit, purpose="transactional", life=7)
_brief_promotion: Act = partial(acts.submit, purpose="marketing", life=6)
_later_order: Act = partial(acts.submit, purpose="transactional", wait=40)
_opt_out_twice: Act = partial(acts.opt_out, everywhere=False, twice=True)
_opt_out_everywhere: Act = partial(acts.opt_out, everywhere=True)
_LATE_CALLS = frozenset({Fault.FROZEN, Fault.STALL})
_SCENES: tuple[Scene, ...] = (
    Scene(((_promotion, 1), (_promotion, 2), (acts.stop, 9), (_promotion, 3))),
    Scene(((_promotion, 1), (_order, 2), (acts.stop, 6))),
    Scene(((_promotion, 1), (acts.opt_out, 9), (_promotion, 3))),
    Scene(((acts.opt_out, 1), (acts.consent, 9), (_promotion, 9))),
    Scene(((acts.consent, 1), (acts.stop, 9), (acts.confirm, 9), (_promotion, 9))),
    Scene(((acts.stop, 1), (acts.start, 2), (_promotion, 9), (_promotion, 2))),
    # A permit that ends early, after one that does not; and a no before either has ended.
    Scene(((_order, 0.1), (_brief_order, 0.3), (acts.stop, 2)), favourites=_LATE_CALLS),
    Scene(
        ((_promotion, 0.1), (_brief_promotion, 0.3), (acts.opt_out, 2)),
        people=(BIA, KIM),
        favourites=_LATE_CALLS,
        begins=(_OPENS, 3600, 7200),
    ),
    # An opt-out that two workers handle, and a permit taken between the one's block and the other's.
    Scene(
        ((_opt_out_twice, 1), (_notice, 1), (_notice, 1)),
        favourites=frozenset({Fault.FROZEN, Fault.REPEATED_REQUEST}),
    ),
    # A brand that meets the person only after they said no to everybody.
    Scene(((_by_the_other(_later_order), 1), (_opt_out_everywhere, 20))),
    # A promotion that is claimed in the last seconds of a window, or by a clock that is ahead of its first.
    Scene(
        ((_promotion, 1), (_promotion, 2)),
        people=(BIA, KIM),
        favourites=_LATE_CALLS,
        begins=(_CLOSES, -11, -5),
    ),
    Scene(((_promotion, 0.2), (_promotion, 0.2), (_promotion, 0.2)), begins=(_OPENS, -0.8, 0)),
)

_DAYS = tuple(datetime(2026, 11, day, tzinfo=UTC) for day in (22, 23, 24, 26, 27, 28))
_CHANGES = (
    datetime(2026, 10, 24, 19, tzinfo=UTC),  # London closes for the night in which its clocks go back
    datetime(2026, 10, 25, 1, tzinfo=UTC),
    datetime(2026, 10, 25, 8, tzinfo=UTC),
    datetime(2027, 3, 27, 20, tzinfo=UTC),  # and for the one in which they go forward
    datetime(2027, 3, 28, 1, tzinfo=UTC),
    datetime(2027, 3, 28, 7, tzinfo=UTC),
)


def play(seed: int, hostility: Hostility | None = None) -> History:
    """The history of `seed`, from its first act to its last consequence."""
    rng = random.Random(seed)
    scene = rng.choice(_SCENES) if rng.random() < 0.5 else None
    people = (ANA, BIA) if rng.random() < 0.15 else (rng.choice((ANA, ANA, ANA, BIA, BIA, KIM, KIM, HANS)),)
    if scene and scene.people:
        people = (rng.choice(scene.people),)
    start, circumstances = _start(rng, rng.choice(people), scene)
    rate = rng.choice((0.0, 0.02, 0.04, 0.06, 0.12))
    favourites = frozenset({rng.choice(FAVOURITES)} if rng.random() < 0.5 else ())
    if scene and scene.favourites and rng.random() < 0.7:
        rate, favourites = rng.choice((0.01, 0.03)), scene.favourites
    known_to = BRANDS if rng.random() < 0.75 else (rng.choice(BRANDS),)
    brands = BRANDS if rng.random() < 0.35 else (rng.choice(BRANDS),)
    history = History(
        seed, rng, start, people, known_to, brands, hostility or Hostility(), rate=rate, favourites=favourites
    )
    for circumstance in circumstances:
        history.world.faults.now(circumstance)
    history.run(_agenda(history, scene))
    return history


def _start(rng: random.Random, person: Person, scene: Scene | None) -> tuple[datetime, list[Fault]]:
    """Around an edge of the hours in which `person` may get promotions, a change of clocks, or by day."""
    day, country = rng.choice(_DAYS), person.country
    moment = timedelta(milliseconds=rng.randrange(1000))
    if scene and scene.begins:
        edges, first, last = scene.begins
        at = day + timedelta(hours=edges[country][0], seconds=first + (last - first) * rng.random())
        return at, [Fault.EDGE] if first < 0 else []
    off = timedelta(seconds=rng.randrange(*rng.choice(((-90, 20), (-13, 2)))))
    if person is KIM and rng.random() < 0.6:
        return rng.choice(_CHANGES) + off + moment, [Fault.CLOCKS_CHANGE]
    if rng.random() < 0.4:
        edges = _OPENS if rng.random() < 0.5 else _CLOSES
        return day + timedelta(hours=rng.choice(edges[country])) + off + moment, [Fault.EDGE]
    opened, closing = max(_OPENS[country]), min(_CLOSES[country])
    hours = timedelta(hours=rng.choice((opened + 1, closing - 1)), seconds=rng.randrange(3600))
    return day + hours + moment, []


def _agenda(history: History, scene: Scene | None) -> int:
    """Put acts on the agenda; when the last one is."""
    rng, world = history.rng, history.world
    spread = rng.choice((0.05, 0.5, 3.0, 20.0, 90.0))
    at = int(rng.random() * 2 * SECOND)
    if scene and scene.begins:
        at = _play(history, scene, 0)
    for _ in range(rng.randrange(2, 5) if scene else rng.randrange(3, 8)):
        act = rng.choice(_ACTS)
        world.at(at, partial(act, history, rng.choice(history.people), rng.choice(history.brands)))
        at += int(rng.random() * (spread if rng.random() < 0.85 else 40.0) * SECOND)
    if scene and not scene.begins:
        at = max(at, _play(history, scene, int(rng.random() * at)))
    return at


def _play(history: History, scene: Scene, at: int) -> int:
    """Have the acts of `scene` done from `at` on, towards one person; when the last one is."""
    person, brand = history.rng.choice(history.people), history.rng.choice(history.brands)
    if len(history.known_to) == 1:
        brand = history.known_to[0]
    for act, within in scene.steps:
        at += int(history.rng.random() * within * SECOND)
        history.world.at(at, partial(act, history, person, brand))
    return at
