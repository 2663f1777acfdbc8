"""When to look next. Pure.

A gate looks often while its buckets are full and things move, and settles to what they sustain for ever once a third is
left: that third is for others. One bucket of 30 reads that gets back 10 a minute allows a look every 6 seconds.
"""

from __future__ import annotations

from vmss_instance_view.limits.quota import LOW, Room

QUICK = 2.0  # seconds between looks while things move
CALM = 3.0  # and while they do not: whoever has the whole bucket left still leaves the subscription's to others
MOVING = 3  # looks after a change that are quick ones

_QUICK_AT_FULL = 1 / 3  # of the interval that a bucket sustains, while it is full
_CALM_AT_FULL = 0.6  # nobody knows for how long: what the bucket holds has to last for many minutes


def interval(room: Room, quiet: int, retry_after: float | None = None) -> float:
    """Seconds until the next look.

    room: what the buckets of the look allow. quiet: looks since something changed. retry_after: what Azure asked for,
    which it gets.
    """
    least, at_full = (QUICK, _QUICK_AT_FULL) if quiet < MOVING else (CALM, _CALM_AT_FULL)
    return max(room.refill * _slowness(room.fraction, at_full), least, room.closed, retry_after or 0.0)


def _slowness(fraction: float, at_full: float) -> float:
    """How many sustained intervals to wait: one with a third of the bucket left, two with nothing."""
    if fraction <= LOW:
        return 2.0 - fraction / LOW
    return 1.0 - (1.0 - at_full) * (fraction - LOW) / (1.0 - LOW)
