"""Time: a clock whose waits a stop can end. No other module reads the time or sleeps.

Whatever waits, and whatever reads the time, takes a `Clock`: tests take no time, and Ctrl-C ends every wait.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import datetime, timezone
from itertools import count
from typing import Protocol, TypeAlias, TypeVar

from vmss_instance_view.parallel import WorkerPool, each_of

A = TypeVar("A")
T = TypeVar("T")
Task: TypeAlias = Callable[[], "float | None"]
"""Something that is done by turns: it returns the seconds until it is due again, None when it is done."""


class Stopped(Exception):
    """A wait or a call was given up because the stop event is set."""


class Overdue(Exception):
    """A call was given up because its time was over."""


class Clock(Protocol):
    """What waiting needs to know of time. Seconds throughout."""

    def monotonic(self) -> float:
        """Return the seconds on a clock that never goes back."""

    def now(self) -> datetime:
        """Return the time of day, UTC."""

    def wait(self, seconds: float) -> None:
        """Sleep. Raises Stopped as soon as a stop is asked for."""

    def call(self, function: Callable[[], T], seconds: float) -> T:
        """Call `function`; return or raise what it does. Raise Stopped or Overdue, and abandon it, if it is late."""

    def each(self, function: Callable[[A], T], items: Iterable[A], width: int) -> list[T]:
        """Call `function` for each item, at most `width` at a time; return the results in their order."""

    def by_turns(self, tasks: Iterable[Task], width: int, enough: Callable[[], bool]) -> None:
        """Call each task at once, and again after as many seconds as it returned, until it returns None.

        At most `width` run at a time. Ends when none is left, or once it is enough after one of them. Raises Stopped as
        soon as a stop is asked for, and what a task raises; tasks under way are abandoned then.
        """


class Deadline:
    """A moment by which something must have ended."""

    __slots__ = ("_clock", "_end")

    def __init__(self, seconds: float, clock: Clock) -> None:
        """Set the moment `seconds` from now."""
        self._clock = clock
        self._end = clock.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds until then. Raise Overdue once it is past."""
        left = self._end - self._clock.monotonic()
        if left <= 0:
            raise Overdue
        return left


class Stop:
    """An event that also wakes those who wait for something else; set once, never cleared."""

    def __init__(self) -> None:
        """Begin without a request to stop."""
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._waiters: set[threading.Event] = set()

    def set(self) -> None:
        """Ask everybody to stop: at once, from any thread."""
        with self._lock:
            self._stopped.set()
            waiters = tuple(self._waiters)
        for waiter in waiters:
            waiter.set()

    def is_set(self) -> bool:
        """Return whether a stop was asked for."""
        return self._stopped.is_set()

    def wait(self, seconds: float) -> bool:
        """Sleep for `seconds`, or until the stop: True if it came."""
        return self._stopped.wait(max(seconds, 0))

    @contextmanager
    def waking(self, event: threading.Event) -> Iterator[None]:
        """Let a stop set `event` too while inside (at once, if it came before)."""
        with self._lock:
            self._waiters.add(event)
            if self._stopped.is_set():
                event.set()
        try:
            yield
        finally:
            with self._lock:
                self._waiters.discard(event)


class SystemClock:
    """Real time; `stop` ends every wait and every call at once."""

    def __init__(self, stop: Stop | None = None) -> None:
        """stop: an event that ends the waiting when it is set; without it only time does."""
        self._stop = stop or Stop()

    def monotonic(self) -> float:
        """Return the seconds on a clock that never goes back."""
        return time.monotonic()

    def now(self) -> datetime:
        """Return the time of day, UTC."""
        return datetime.now(timezone.utc)

    def wait(self, seconds: float) -> None:
        """Sleep. Raises Stopped as soon as the stop is set."""
        if self._stop.wait(seconds):
            raise Stopped

    def call(self, function: Callable[[], T], seconds: float) -> T:
        """Run `function` on a daemon thread of its own.

        A server that hangs then delays neither a stop nor the deadline. Daemon: an abandoned call must not keep
        the process alive, as the threads of a ThreadPoolExecutor would.
        """
        done = threading.Event()
        result: Future[T] = Future()

        def run() -> None:
            try:
                result.set_result(function())
            except BaseException as error:
                result.set_exception(error)
            done.set()

        with self._stop.waking(done):
            if self._stop.is_set():
                raise Stopped
            threading.Thread(target=run, name="vmss-look", daemon=True).start()
            done.wait(max(seconds, 0))
        if result.done():
            return result.result()
        raise Stopped if self._stop.is_set() else Overdue

    def each(self, function: Callable[[A], T], items: Iterable[A], width: int) -> list[T]:
        """Call `function` for each item on daemon threads, at most `width` at a time."""
        return each_of(function, items, width)

    def by_turns(self, tasks: Iterable[Task], width: int, enough: Callable[[], bool]) -> None:
        """Call each task when it is due, on daemon threads."""
        order = count()
        due = [(self.monotonic(), next(order), task) for task in tasks]
        with WorkerPool(width) as pool, self._stop.waking(pool.news):
            while (due or pool.busy) and not enough():
                while due and pool.is_free and due[0][0] <= self.monotonic():
                    pool.begin(heapq.heappop(due)[2])
                pool.news.wait(max(due[0][0] - self.monotonic(), 0.0) if due and pool.is_free else None)
                pool.news.clear()
                if self._stop.is_set():
                    raise Stopped
                for task, seconds in pool.ended():
                    if seconds is not None:
                        heapq.heappush(due, (self.monotonic() + seconds, next(order), task))


def sleep(seconds: float) -> None:
    """Sleep even if a stop is requested: for the thread that watches the engine."""
    time.sleep(seconds)
