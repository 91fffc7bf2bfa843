"""A new pepper comes into force: whoever is known stays who they are, and nobody becomes two people."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from izin.aws import identity
from izin.aws.runtime import Runtime
from izin.domain.consent import MARGIN

from tests.handlers.world import DAY, NIGHT, Troubled, World

OLD, NEW = b"a pepper of the tests", b"a newer pepper"
SINCE = NIGHT + timedelta(hours=1)


def rotate(here: World) -> Runtime:
    """Both peppers are live; the runtime as it was before, for a worker that has not heard of it."""
    before = here.rt
    here.rt = replace(before, peppers=(NEW, OLD), pepper_since=SINCE)
    return before


def test_whoever_said_stop_before_is_still_left_alone(here: World) -> None:
    person = here.person()
    here.agrees(person)
    here.say(person, "STOP")
    name = here.id_of(person)
    rotate(here)
    here.clock.at = DAY
    assert here.id_of(person) == name
    assert "opted_out" in here.submit(person, "p-1").reasons
    here.say(person, "START")
    here.clock.sleep(60)
    assert here.submit(person, "p-2").body["verdict"] == "allow"
    here.say(person, "STOP")
    assert "opted_out" in here.submit(person, "p-3").reasons
    assert len(here.states()) == 1


def test_somebody_new_is_named_by_the_pepper_in_force(here: World) -> None:
    before = rotate(here)
    early, late = here.person(), here.person()
    here.opt_out(early)
    assert here.id_of(early) == identity.recipient(before, early)
    here.clock.at = DAY
    here.opt_out(late)
    assert here.id_of(late) != identity.recipient(before, late)
    assert here.id_of(early) == identity.recipient(before, early)
    assert "opted_out" in here.submit(late, "p-1").reasons


@pytest.mark.parametrize("seconds", [-4.9, 0, 4.9])
def test_nobody_new_is_taken_in_while_clocks_may_disagree(here: World, seconds: float) -> None:
    rotate(here)
    here.clock.at = SINCE + timedelta(seconds=seconds)
    with pytest.raises(Troubled):
        here.opt_out(here.person())
    assert not here.states()


def test_whoever_is_known_is_not_kept_waiting(here: World) -> None:
    person = here.person()
    here.agrees(person)
    rotate(here)
    here.clock.at = SINCE
    assert here.opt_out(person).status == 200


def test_two_workers_with_different_clocks_give_one_name(here: World) -> None:
    """For every pair of instants that two clocks may show at once, either both name alike or one waits."""
    rotate(here)
    person = here.person()
    for tick in range(-20, 21):
        slow = SINCE + tick * timedelta(seconds=0.5)
        for skew in (0.0, 0.5, 1.0):
            names = set()
            for at in (slow, slow + timedelta(seconds=skew)):
                ids = identity.candidates(replace(here.rt, now=lambda at=at: at), person)
                try:
                    names.add(identity.known_as(replace(here.rt, now=lambda at=at: at), ids, set()))
                except identity.Rotating:
                    continue
            assert len(names) <= 1
    assert timedelta(seconds=1) < MARGIN


def test_an_erased_person_is_still_recognised(here: World) -> None:
    person = here.person()
    here.agrees(person)
    path = {"recipient_id": here.id_of(person)}
    body = {"id": "r-1", "brand": "shopx", "source": "letter"}
    here.call("POST /v1/recipients/{recipient_id}/erasure", body, path=path)
    here.clock.at += timedelta(minutes=21)
    here.keep_house()
    rotate(here)
    here.clock.at = DAY
    assert "do_not_contact" in here.submit(person, "p-1").reasons


def test_a_request_is_known_for_a_repeat_under_either_pepper(here: World) -> None:
    person = here.person()
    first = here.submit(person, "code-1", "authentication")
    rotate(here)
    here.clock.at = DAY
    again = here.submit(person, "code-1", "authentication")
    assert (again.status, again.body["id"]) == (first.status, "code-1")
