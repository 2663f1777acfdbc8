import threading
import time

import pytest
from tests.clocks import within

from vmss_instance_view.clock import Overdue, Stop, Stopped, SystemClock


def test_a_call_gives_back_what_it_found_and_what_it_raised() -> None:
    clock = SystemClock()
    assert clock.call(lambda: 7, 5) == 7
    with pytest.raises(ZeroDivisionError):
        clock.call(lambda: 1 / 0, 5)


def test_a_call_that_hangs_is_given_up_when_its_time_is_over() -> None:
    forever = threading.Event()
    with pytest.raises(Overdue):
        SystemClock().call(forever.wait, 0.05)
    forever.set()


@pytest.mark.parametrize("what", ["wait", "call"])
def test_a_stop_ends_what_waits_at_once(what: str) -> None:
    stop, forever = Stop(), threading.Event()
    clock = SystemClock(stop)
    threading.Timer(0.05, stop.set).start()
    began = time.monotonic()
    with pytest.raises(Stopped):
        clock.wait(60) if what == "wait" else clock.call(forever.wait, 60)
    assert time.monotonic() - began < 5
    forever.set()


def test_after_a_stop_nothing_begins() -> None:
    stop = Stop()
    stop.set()
    called = []
    with pytest.raises(Stopped):
        SystemClock(stop).call(lambda: called.append(1), 5)
    assert not called


def test_a_deadline_that_is_past_says_so() -> None:
    assert 4 < within(5).left() <= 5
    with pytest.raises(Overdue):
        within(0).left()
