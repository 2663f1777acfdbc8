"""Time that costs nothing."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta, timezone
from typing import TypeVar

from vmss_instance_view.clock import Deadline, Overdue, Stopped, SystemClock, Task

A = TypeVar("A")
T = TypeVar("T")


def within(seconds: float) -> Deadline:
    """A deadline of real time, for reads of the emulator."""
    return Deadline(seconds, SystemClock())


class VirtualClock:
    """A clock that moves when somebody waits, and when a look says how long it took."""

    def __init__(self) -> None:
        self.time = 0.0
        self.stop_at: float | None = None
        self.waits: list[float] = []
        self.limits: list[float] = []

    def monotonic(self) -> float:
        return self.time

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=self.time)

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.sleep(seconds)

    def sleep(self, seconds: float) -> None:
        """Pass the time, for whoever is not the one that waits: a server, a request under way."""
        end = self.time + seconds
        if self.stop_at is not None and end >= self.stop_at:
            self.time = max(self.time, self.stop_at)
            raise Stopped
        self.time = end

    def call(self, function: Callable[[], T], seconds: float) -> T:
        self.limits.append(seconds)
        before = self.time
        try:
            return function()
        finally:
            if self.time - before > seconds:  # nobody waits any longer for what it returns or raises
                self.time = before + seconds
                raise Overdue

    def each(self, function: Callable[[A], T], items: Iterable[A], width: int) -> list[T]:
        """As if `width` workers did it: each item begins when the first of them is free."""
        lanes = [self.time] * max(width, 1)
        results = []
        for item in items:
            self.time = heapq.heappop(lanes)
            try:
                results.append(function(item))
            finally:
                heapq.heappush(lanes, self.time)
        self.time = max(lanes)
        return results

    def by_turns(self, tasks: Iterable[Task], width: int, enough: Callable[[], bool]) -> None:
        """As if `width` workers did it: each task begins when it is due and one of them is free."""
        due = [(self.time, number, task) for number, task in enumerate(tasks)]
        lanes = [self.time] * width
        latest, order = self.time, len(due)
        while due and not enough():
            moment, _, task = heapq.heappop(due)
            begins = max(moment, heapq.heappop(lanes))
            if self.stop_at is not None and begins >= self.stop_at:
                self.time = max(latest, self.stop_at)
                raise Stopped
            self.time = begins
            seconds = task()
            heapq.heappush(lanes, self.time)
            latest, order = max(latest, self.time), order + 1
            if seconds is not None:
                heapq.heappush(due, (self.time + seconds, order, task))
        self.time = latest


class Simulation:
    """One virtual time for many threads: one runs at a time, and time passes when all of them wait."""

    def __init__(self) -> None:
        self.time = 0.0
        self._sleepers: list[tuple[float, int, threading.Event]] = []
        self._order = 0
        self._done = threading.Event()

    def run(self, tasks: Iterable[Callable[[], object]]) -> None:
        """Run every task in a thread of its own, all of them from now on; raise the first error."""
        errors: list[BaseException] = []
        running = [0]

        def begin(task: Callable[[], object], turn: threading.Event) -> None:
            turn.wait()
            try:
                task()
            except BaseException as error:
                errors.append(error)
            running[0] -= 1
            self._next()

        threads = []
        for task in tasks:
            turn = self._enqueue(0.0)
            threads.append(threading.Thread(target=begin, args=(task, turn), daemon=True))
        running[0] = len(threads)
        for thread in threads:
            thread.start()
        self._next()
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]

    def clock(self) -> SimulatedClock:
        return SimulatedClock(self)

    def sleep(self, seconds: float) -> None:
        turn = self._enqueue(seconds)
        self._next()
        turn.wait()

    def _enqueue(self, seconds: float) -> threading.Event:
        turn = threading.Event()
        self._order += 1
        heapq.heappush(self._sleepers, (self.time + max(seconds, 0.0), self._order, turn))
        return turn

    def _next(self) -> None:
        """Wake whoever is the next; only ever called by the one that runs."""
        if self._sleepers:
            self.time, _, turn = heapq.heappop(self._sleepers)
            turn.set()


class SimulatedClock:
    """The clock of one thread of a simulation."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    @property
    def time(self) -> float:
        return self._simulation.time

    def monotonic(self) -> float:
        return self._simulation.time

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=self._simulation.time)

    def wait(self, seconds: float) -> None:
        self._simulation.sleep(seconds)

    def sleep(self, seconds: float) -> None:
        self._simulation.sleep(seconds)

    def call(self, function: Callable[[], T], seconds: float) -> T:
        before = self.time
        result = function()
        if self.time - before > seconds:
            raise Overdue
        return result

    def each(self, function: Callable[[A], T], items: Iterable[A], width: int) -> list[T]:
        """One after the other, which takes longer than side by side: it makes a look slower, never cheaper."""
        return [function(item) for item in items]

    def by_turns(self, tasks: Iterable[Task], width: int, enough: Callable[[], bool]) -> None:
        """Not needed: here each wait has a thread of its own."""
        raise NotImplementedError
