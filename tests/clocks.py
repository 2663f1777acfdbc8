"""Time that costs nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import TypeVar

from vmss_instance_view.clock import Overdue, Stopped

T = TypeVar("T")


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
        self._advance(seconds)

    def call(self, function: Callable[[], T], seconds: float) -> T:
        self.limits.append(seconds)
        before = self.time
        try:
            return function()
        finally:
            if self.time - before > seconds:  # nobody waits any longer for what it returns or raises
                self.time = before + seconds
                raise Overdue

    def _advance(self, seconds: float) -> None:
        end = self.time + seconds
        if self.stop_at is not None and end >= self.stop_at:
            self.time = max(self.time, self.stop_at)
            raise Stopped
        self.time = end
