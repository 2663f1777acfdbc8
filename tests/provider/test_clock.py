import threading
import time
from itertools import pairwise

import pytest
from tests.clocks import within
from tests.waiting import until

from vmss_instance_view.clock import Overdue, Stop, Stopped, SystemClock, Task


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


# --- Tasks by turns --------------------------------------------------------------------------------------------------


def counting(times: int, pause: float = 0.0) -> tuple[Task, list[float]]:
    """A task that is due so many times, and the moments at which it began."""
    begun: list[float] = []

    def task() -> float | None:
        begun.append(time.monotonic())
        return pause if len(begun) < times else None

    return task, begun


def never() -> bool:
    return False


def test_each_task_is_done_whenever_it_is_due_until_it_is_done() -> None:
    tasks = [counting(each, 0.02) for each in (1, 2, 5)]
    SystemClock().by_turns([task for task, _ in tasks], 2, never)
    assert [len(begun) for _, begun in tasks] == [1, 2, 5]
    moments = tasks[2][1]
    assert all(later - earlier >= 0.02 for earlier, later in pairwise(moments))
    SystemClock().by_turns([], 2, never)


def test_no_more_tasks_run_at_once_than_the_width_and_none_waits_for_a_slow_one() -> None:
    lock, running, most, hangs = threading.Lock(), [0], [0], threading.Event()

    def busy() -> None:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.005)
        with lock:
            running[0] -= 1

    def slow() -> None:
        hangs.wait(5)

    others, begun = counting(3)
    SystemClock().by_turns([slow, *[busy] * 20, others], 3, lambda: len(begun) == 3 and most[0] > 0)
    hangs.set()
    assert most[0] == 2


def test_turns_end_as_soon_as_it_is_enough_whoever_is_still_busy() -> None:
    hangs = threading.Event()

    def hanging() -> None:
        hangs.wait(30)

    task, begun = counting(1000)
    before = time.monotonic()
    SystemClock().by_turns([hanging, task], 2, lambda: len(begun) >= 7)
    hangs.set()
    assert 7 <= len(begun) < 1000
    assert time.monotonic() - before < 5


def test_a_stop_ends_turns_at_once_and_begins_nothing_more() -> None:
    stop, hangs = Stop(), threading.Event()
    clock = SystemClock(stop)

    def hanging() -> None:
        stop.set()
        hangs.wait(30)

    later, begun = counting(1)
    with pytest.raises(Stopped):
        clock.by_turns([hanging, later], 1, never)
    hangs.set()
    assert begun == []


def test_what_a_task_raises_ends_the_turns() -> None:
    with pytest.raises(ZeroDivisionError):
        SystemClock().by_turns([lambda: 1 / 0, counting(10, 5.0)[0]], 2, never)


def test_the_threads_of_turns_go_when_these_have_ended() -> None:
    tasks = [counting(3)[0] for _ in range(10)]
    SystemClock().by_turns(tasks, 4, never)
    until(lambda: not any(each.name == "vmss-turn" for each in threading.enumerate()))
