"""Decide when to look next. Pure.

A gate looks often while its rate limits allow it and the set changes. Once a third of a token bucket is left, which is
for other clients, it looks only as often as the refill sustains: 10 tokens a minute allow a look every 6 seconds.
"""

from __future__ import annotations

from vmss_instance_view.limits.quota import LOW, Room

LOOK_LIMIT = 30.0  # seconds for one look
QUICK = 2.0  # seconds between looks while the set changes
CALM = 3.0  # and while it does not: the subscription's limit is shared, even if the set's own is untouched
MOVING = 3  # so many looks after a change are quick ones

_QUICK_AT_FULL = 1 / 3  # of the interval that the refill sustains, while the bucket is full
_CALM_AT_FULL = 0.6  # the same while nothing changes: the bucket may have to last for many minutes


def interval(room: Room, quiet: int, retry_after: float | None = None) -> float:
    """Return the seconds until the next look.

    room: what the rate limits of the look allow. quiet: looks since the last change. retry_after: the seconds that
    Azure asked to wait.
    """
    least, at_full = (QUICK, _QUICK_AT_FULL) if quiet < MOVING else (CALM, _CALM_AT_FULL)
    return max(room.refill * _slowness(room.fraction, at_full), least, room.closed, retry_after or 0.0)


def _slowness(fraction: float, at_full: float) -> float:
    """Return how many sustained intervals to wait: one with a third of the bucket left, two with an empty one."""
    if fraction <= LOW:
        return 2.0 - fraction / LOW
    return 1.0 - (1.0 - at_full) * (fraction - LOW) / (1.0 - LOW)
