import threading
import time

import pytest

from vmss_instance_view.parallel import each_of


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
