"""Many small reads at once, on daemon threads: an abandoned read must not keep the process alive."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import TypeVar

A = TypeVar("A")
T = TypeVar("T")


def each_of(function: Callable[[A], T], items: Iterable[A], width: int) -> list[T]:
    """What `function` returns for each item, in their order, at most `width` at a time.

    Raises what it raised first in that order; the items that nobody has begun by then are left out.
    """
    futures: list[tuple[A, Future[T]]] = [(item, Future()) for item in items]
    todo: queue.SimpleQueue[tuple[A, Future[T]]] = queue.SimpleQueue()
    for pair in futures:
        todo.put(pair)
    failed = threading.Event()

    def work() -> None:
        while not failed.is_set():
            try:
                item, future = todo.get_nowait()
            except queue.Empty:
                return
            try:
                future.set_result(function(item))
            except BaseException as error:
                failed.set()
                future.set_exception(error)

    threads = [threading.Thread(target=work, name="vmss-read", daemon=True) for _ in range(min(width, len(futures)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done = [future for _, future in futures if future.done()]
    return [future.result() for future in done]
