"""The rows themselves, as small as they get: each work does what it is measured for, or fails."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from benchmarks import delay, gates, judging
from benchmarks.suite.works import NotDone
from tests.sets import Vm, snapshot


def seconds(*waits: float) -> Iterator[float]:
    yield from waits


def test_a_timeline_is_deployed_when_its_last_machine_is_and_healthy_when_its_last_application_is() -> None:
    life = delay.Life(((1, 2, 30), (1, 20, 21), (1, 2, 3)))
    show = life.show()
    assert (life.deployed, life.healthy) == (20, 30)
    assert show(30) == snapshot(Vm(), Vm(), Vm())
    assert show(29) == snapshot(Vm(health="unhealthy"), Vm(), Vm())
    assert show(0) == snapshot(*[Vm(provisioning="creating", health=None, extensions=())] * 3, status="creating")


@pytest.mark.parametrize("way", [*delay.GATES, *delay.SCHEDULES], ids=lambda way: way.name)
def test_every_way_to_wait_notices_and_is_never_early(way: delay.Gate | delay.Schedule) -> None:
    for numbers in delay.waits(way, delay.lives(2)):
        assert 0 <= numbers["late"] <= 35
        assert numbers["requests"] >= 2
        assert numbers["refused"] == 0


def test_a_schedule_that_asks_too_often_is_refused_waits_as_told_and_is_counted() -> None:
    hasty = delay.Schedule("hasty", delay.every(1))
    (numbers,) = delay.waits(hasty, [delay.Life(((80, 85, 90),) * 3)])
    assert numbers["refused"] > 0
    assert numbers["late"] >= 0


def test_a_way_that_returns_before_there_is_anything_to_notice_fails() -> None:
    blind = delay.Schedule("blind", delay.every(1), is_done=lambda _body: True)
    with pytest.raises(NotDone, match=r"blind: it returned 20\.0 s before there was anything to notice"):
        list(delay.waits(blind, [delay.Life(((1, 20.2, 30),) * 3)]))


@pytest.mark.parametrize(("words", "why"), [("exit 0", "before there was anything"), ("echo no; exit 1", "code 1: no")])
def test_a_client_that_does_not_wait_or_fails_fails_the_row(
    words: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delay, "CLIENTS", (delay.Client("stand-in", "in", lambda _name, _path: ["sh", "-c", words]),))
    with pytest.raises(NotDone, match=f"stand-in: .*{why}"):
        delay.real(1, 5.0, 6.0)


def test_bytes_are_judged_and_read_and_one_instance_less_is_noticed() -> None:
    case = judging.Case(3)
    works = [
        judging.ours(case, 1, judge=False),
        judging.ours(case, 1),
        *(judging.theirs(case, 1, read=read) for read in (False, True)),
        judging.floor(case, 1),
    ]
    for work in works:
        work()  # raises NotDone for a wrong result
    case.instances = 4
    for work in works:
        with pytest.raises(NotDone):
            work()


def test_a_set_that_is_not_well_is_no_case_for_the_peer_either() -> None:
    case = judging.Case(2)
    case.list = case.list.replace(b"HealthState/healthy", b"HealthState/unhealthy")
    with pytest.raises(NotDone, match="azure-mgmt-compute reads something else"):
        judging.theirs(case, 1, read=True)()


def test_processes_that_ended_are_no_error_of_a_reading() -> None:
    assert gates.reading([2**22 + 1]) == gates.Reading(0, 0, 0)
