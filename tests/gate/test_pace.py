import pytest

from pulumi_vmss_health.pace import MOVING, STEADY, Cost, interval


@pytest.mark.parametrize(
    ("left", "quiet", "seconds"),
    [
        (30.0, 0, 2.0),
        (30.0, MOVING - 1, 2.0),
        (30.0, MOVING, STEADY),
        (20.1, 0, 2.0),
        (20.0, 0, STEADY),
        (15.0, 0, STEADY),
        (15.0, MOVING, STEADY),
        (10.1, 0, STEADY),
        (10.0, 0, 15.0),
        (0.0, MOVING, 15.0),
    ],
)
def test_looks_are_quick_while_things_move_and_the_bucket_is_full_and_slow_once_a_third_is_left(
    left: float, quiet: int, seconds: float
) -> None:
    assert interval(Cost(4, left), quiet) == seconds


@pytest.mark.parametrize(("requests", "seconds"), [(1, 2.0), (4, 2.0), (8, 4.0), (14, 7.0), (1000, 60.0)])
def test_looks_that_take_many_pages_come_more_seldom_but_at_least_once_a_minute(requests: int, seconds: float) -> None:
    assert interval(Cost(requests, 30.0), 0) == seconds


@pytest.mark.parametrize(("asked", "seconds"), [(0.0, 2.0), (1.0, 2.0), (17.0, 17.0), (300.0, 300.0)])
def test_azure_gets_the_pause_that_it_asked_for(asked: float, seconds: float) -> None:
    assert interval(Cost(4, 30.0), 0, asked) == seconds
