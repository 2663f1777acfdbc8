"""Run many small reads at once, on daemon threads, so that an abandoned one does not keep the process alive."""

from __future__ import annotations

import copy
import queue
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import TypeVar

A = TypeVar("A")
T = TypeVar("T")


def each_of(function: Callable[[A], T], items: Iterable[A], width: int) -> list[T]:
    """Call `function` for each item, at most `width` at a time; return the results in the order of the items.

    Raise the first exception in that order; items that were not started by then are skipped.
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


class OneForAll:
    """Lets one thread fetch what many threads want, while the others wait for it: for what it found, or its error.

    A failure is theirs, too: if each of them tried again by itself, the last would wait as often as there are threads.
    """

    def __init__(self) -> None:
        """Fetch nothing yet."""
        self._lock = threading.Lock()
        self._failures = 0
        self._error: Exception | None = None

    def get(self, found: Callable[[], T | None], fetch: Callable[[], T], seconds: float) -> T:
        """Return what `found` returns; if that is None, what `fetch` returns or raises.

        Raises TimeoutError if another thread has not fetched it within so many seconds.
        """
        failures = self._failures
        if not self._lock.acquire(timeout=max(seconds, 0)):
            raise TimeoutError
        try:
            if (known := found()) is not None:
                return known
            if self._error and self._failures != failures:
                raise copy.copy(self._error)
            return self._fetch(fetch)
        finally:
            self._lock.release()

    def _fetch(self, fetch: Callable[[], T]) -> T:
        try:
            return fetch()
        except Exception as error:
            self._failures += 1
            self._error = copy.copy(error)  # without the frames that it went through, and what they hold
            raise
