import pytest

from pulumi_vmss_health.waiting.pace import CALM, MOVING, QUICK, interval
from vmss_instance_view.limits.quota import Room

VIEW = 6.0  # seconds until one read of the instance view has come back


@pytest.mark.parametrize(("fraction", "seconds"), [(1.0, 2.0), (2 / 3, 4.0), (1 / 3, 6.0), (1 / 6, 9.0), (0.0, 12.0)])
def test_looks_come_often_with_a_full_bucket_and_as_it_sustains_once_a_third_is_left(
    fraction: float, seconds: float
) -> None:
    assert interval(Room(fraction, VIEW), 0) == pytest.approx(seconds)


@pytest.mark.parametrize(("quiet", "seconds"), [(0, QUICK), (MOVING - 1, QUICK), (MOVING, CALM), (100, CALM)])
def test_where_the_limits_are_wide_looks_are_quick_only_while_things_move(quiet: int, seconds: float) -> None:
    assert interval(Room(), quiet) == seconds


def test_a_look_that_takes_many_requests_comes_as_they_come_back() -> None:
    assert interval(Room(1 / 3, 66.0), 0) == pytest.approx(66.0)


@pytest.mark.parametrize(("closed", "asked", "seconds"), [(0.0, 1.0, 2.0), (17.0, 0.0, 17.0), (1.0, 1200.0, 1200.0)])
def test_azure_gets_the_pause_that_it_asked_for(closed: float, asked: float, seconds: float) -> None:
    assert interval(Room(closed=closed), 0, asked) == seconds
