"""Do many things at once, on daemon threads, so that an abandoned one does not keep the process alive."""

from __future__ import annotations

import copy
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import suppress
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


class WorkerPool:
    """Threads that do the tasks of one thread. Daemons, started when they are needed.

    news: is set whenever a task has ended.
    """

    def __init__(self, width: int) -> None:
        """Start none yet. width: how many there may be."""
        self.news = threading.Event()
        self.busy = 0
        self._width = width
        self._threads = 0
        self._todo: queue.SimpleQueue[Callable[[], float | None] | None] = queue.SimpleQueue()
        self._ended: queue.SimpleQueue[tuple[Callable[[], float | None], Future[float | None]]] = queue.SimpleQueue()

    def __enter__(self) -> WorkerPool:
        """Return the pool."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let each thread end after its current task."""
        for _thread in range(self._threads):
            self._todo.put(None)

    @property
    def is_free(self) -> bool:
        """Whether a task could begin at once."""
        return self.busy < self._width

    def begin(self, task: Callable[[], float | None]) -> None:
        """Have a task done. Only while `is_free`."""
        self.busy += 1
        self._todo.put(task)
        if self._threads < self.busy:
            self._threads += 1
            threading.Thread(target=self._work, name="vmss-turn", daemon=True).start()

    def ended(self) -> Iterator[tuple[Callable[[], float | None], float | None]]:
        """Take the tasks that have ended since, each with what it returned. Raise what one of them raised."""
        with suppress(queue.Empty):
            while True:
                task, result = self._ended.get_nowait()
                self.busy -= 1
                yield task, result.result()

    def _work(self) -> None:
        while (task := self._todo.get()) is not None:
            result: Future[float | None] = Future()
            try:
                result.set_result(task())
            except BaseException as error:
                result.set_exception(error)
            self._ended.put((task, result))
            self.news.set()


class SingleFlight:
    """Lets one thread fetch what many threads want, while the others wait for it: for what it found, or its error.

    A failure is theirs, too: if each of them tried again by itself, the last would wait as often as there are threads.
    A TimeoutError is not: whoever fetched it had less time than it takes, and the others may have more.
    """

    def __init__(self) -> None:
        """Fetch nothing yet."""
        self._lock = threading.Lock()
        self._failures = 0
        self._error: Exception | None = None

    def get(self, found: Callable[[], T | None], fetch: Callable[[], T], seconds: float) -> T:
        """Return what `found` returns; if that is None, what `fetch` returns or raises.

        Raises TimeoutError if another thread has not fetched it within so many seconds, or as `fetch` does.
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
        except TimeoutError:
            raise
        except Exception as error:
            self._failures += 1
            self._error = copy.copy(error)  # without the frames that it went through, and what they hold
            raise
