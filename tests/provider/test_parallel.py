import threading
import time

import pytest

from vmss_instance_view.parallel import SingleFlight, each_of


def test_results_come_in_the_order_of_their_items() -> None:
    assert each_of(lambda item: item * 2, range(100), 8) == [item * 2 for item in range(100)]
    assert each_of(str, [], 8) == []


def test_no_more_than_the_width_run_at_once() -> None:
    lock, running, most = threading.Lock(), [0], [0]

    def work(_item: int) -> None:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.005)
        with lock:
            running[0] -= 1

    each_of(work, range(20), 4)
    assert 1 < most[0] <= 4


def test_the_first_error_is_raised_and_what_nobody_has_begun_is_left_out() -> None:
    begun = []

    def work(item: int) -> int:
        begun.append(item)
        return 1 // (item - 3)

    with pytest.raises(ZeroDivisionError):
        each_of(work, range(1000), 2)
    assert len(begun) < 1000


class Fetched:
    """Something that a slow fetch finds, or fails to find."""

    def __init__(self, error: Exception | None = None, failures: int = 10) -> None:
        self.one = SingleFlight()
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.fetches = 0
        self.known: str | None = None
        self.error, self.failures = error, failures
        self.results: list[object] = []

    def fetch(self) -> str:
        self.fetches += 1
        self.begun.set()
        self.go_on.wait(10)
        if self.error and self.fetches <= self.failures:
            raise self.error
        self.known = "found"
        return self.known

    def get(self, seconds: float = 10) -> None:
        try:
            self.results.append(self.one.get(lambda: self.known, self.fetch, seconds))
        except (TimeoutError, ValueError) as error:
            self.results.append(error)

    def run(self, threads: int) -> None:
        workers = [threading.Thread(target=self.get) for _ in range(threads)]
        for worker in workers:
            worker.start()
        self.begun.wait(10)
        time.sleep(0.1)  # so that all of them wait
        self.go_on.set()
        for worker in workers:
            worker.join()


def test_what_one_fetches_is_for_all_who_wait() -> None:
    fetched = Fetched()
    fetched.run(5)
    assert (fetched.results, fetched.fetches) == (["found"] * 5, 1)


def test_a_failure_is_for_all_who_wait_and_the_next_one_tries_again() -> None:
    fetched = Fetched(ValueError("no"))
    fetched.run(5)
    assert [str(each) for each in fetched.results] == ["no"] * 5
    assert len(set(map(id, fetched.results))) == 5, "each has an error, and a traceback, of its own"
    assert fetched.fetches == 1
    fetched.error = None
    fetched.get()
    assert (fetched.results[-1], fetched.fetches) == ("found", 2)


def test_whose_time_is_over_fails_alone_and_another_one_tries_again() -> None:
    fetched = Fetched(TimeoutError("no time was left"), failures=1)
    fetched.run(5)
    assert sorted(map(str, fetched.results)) == ["found"] * 4 + ["no time was left"]
    assert fetched.fetches == 2


def test_nobody_waits_longer_than_it_likes() -> None:
    fetched = Fetched()
    first = threading.Thread(target=fetched.get)
    first.start()
    fetched.begun.wait(10)
    fetched.get(0.05)
    assert [type(each) for each in fetched.results] == [TimeoutError]
    fetched.go_on.set()
    first.join()
    assert fetched.results[1:] == ["found"]
