"""Time: a clock whose waits a stop can end.

Everything that waits takes a `Clock`, so that tests take no time and Ctrl-C ends every wait.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Protocol, TypeVar

T = TypeVar("T")


class Stopped(Exception):
    """A wait or a call was given up because the stop event is set."""


class Overdue(Exception):
    """A call was given up because its time was over."""


class Deadline:
    """A moment on the monotonic clock by which something must have ended."""

    __slots__ = ("_end",)

    def __init__(self, seconds: float) -> None:
        """The moment `seconds` from now."""
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds until then. Raises Overdue once it is past."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise Overdue
        return left


class Clock(Protocol):
    """What waiting needs to know of time. Seconds throughout."""

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back."""

    def now(self) -> datetime:
        """The time of day, UTC."""

    def wait(self, seconds: float) -> None:
        """Sleep. Raises Stopped as soon as a stop is asked for."""

    def call(self, function: Callable[[], T], seconds: float) -> T:
        """What `function` returns or raises. Raises Stopped or Overdue, abandoning it, when it takes too long."""


class Stop:
    """An event that also wakes those who wait for something else; set once, never cleared."""

    def __init__(self) -> None:
        """Nobody has asked to stop yet."""
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
        """Whether a stop was asked for."""
        return self._stopped.is_set()

    def wait(self, seconds: float) -> bool:
        """Sleep for `seconds`, or until the stop: True if it came."""
        return self._stopped.wait(max(seconds, 0))

    @contextmanager
    def waking(self, event: threading.Event) -> Iterator[None]:
        """While inside, a stop sets `event` too (at once, if it came before)."""
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
        """stop: set by whoever wants the waiting to end; without it only time ends it."""
        self._stop = stop or Stop()

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back."""
        return time.monotonic()

    def now(self) -> datetime:
        """The time of day, UTC."""
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
