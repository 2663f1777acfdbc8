"""When to look next. Pure.

Azure documents for one set's instance view a bucket of 30 reads, refilled at 10 a minute: a look every 6 seconds is
what it sustains for ever. Things that move are looked at more often while the bucket is full, and less often once a
third of it is left: that third is for others.
Source: "Compute throttling limits", 2024-05-27.
"""

from __future__ import annotations

from dataclasses import dataclass

STEADY = 5.9  # seconds; a little below the refill: the full bucket pays for the difference, for hours
_QUICK = 2.0
_SLOW = 15.0
_SLOWEST = 60.0

MOVING = 3  # looks after a change that are quick ones
_FULL = 20.0  # reads left, of 30
_RESERVE = 10.0
_ORDINARY = 4  # requests of a full look at a set whose instances fit on one page


@dataclass(frozen=True, slots=True)
class Cost:
    """What looking takes. requests: of the last look; left: reads left in the tightest bucket."""

    requests: int = 1
    left: float = 30.0


def interval(cost: Cost, quiet: int, retry_after: float | None = None) -> float:
    """Seconds until the next look.

    quiet: looks since something changed. retry_after: what Azure asked for, which it gets.
    """
    if cost.left <= _RESERVE:
        seconds = _SLOW
    elif quiet < MOVING and cost.left > _FULL:
        seconds = _QUICK
    else:
        seconds = STEADY
    # A look at many instances takes many pages, each from a bucket that is refilled no faster.
    seconds *= max(1.0, cost.requests / _ORDINARY)
    return max(min(seconds, _SLOWEST), retry_after or 0.0)
