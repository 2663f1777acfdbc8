"""Retry a read after errors that may pass, with growing pauses, until the time is over.

Gates do not use this: `watch` decides what a failed look means. Every wait ends when a stop is asked for.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TypeVar

from vmss_instance_view.clock import Clock, Deadline, Overdue
from vmss_instance_view.errors import Forbidden, InstanceViewError, ScaleSetNotFound, Unavailable

T = TypeVar("T")

READ_TIMEOUT = 60.0  # seconds, for all attempts of one read

_FIRST_PAUSE = 0.5  # seconds; doubled after each attempt
_LONGEST_PAUSE = 10.0
_MARGIN = 0.5  # seconds of grace, so that the attempt's own error, which says more, comes first


def read_with_retry(
    read: Callable[[Deadline], T],
    seconds: float,
    clock: Clock,
    *,
    grace: float = 0.0,
    jitter: Callable[[], float] = random.random,
) -> T:
    """Return what `read` returns, from as many attempts as fit into `seconds`.

    grace: for how long a set that is not found is taken for one that is about to appear, and one that is forbidden for
        one whose role assignment still spreads.
    jitter: 0 to 1; it spreads callers that failed together.
    Raises what the last attempt raised: at once where another cannot help, or would be too late by Azure's own word.
    """
    started = clock.monotonic()
    pause = _FIRST_PAUSE
    while True:
        left = seconds - (clock.monotonic() - started)
        try:
            return read_within(left, read, clock)
        except InstanceViewError as error:
            left = seconds - (clock.monotonic() - started)
            wait = max(pause * (0.5 + jitter()), getattr(error, "retry_after", None) or 0.0)
            if not _may_pass(error, is_new=seconds - left < grace) or wait >= left:
                raise
        clock.wait(wait)
        pause = min(2 * pause, _LONGEST_PAUSE)


def read_within(seconds: float, read: Callable[[Deadline], T], clock: Clock) -> T:
    """Return what `read` returns, from one attempt. Raises what it raises, or Unavailable if it takes longer."""
    try:
        return clock.call(lambda: read(Deadline(seconds, clock)), seconds + _MARGIN)
    except Overdue:
        raise Unavailable(f"no complete answer within {seconds:.0f}s") from None


def _may_pass(error: InstanceViewError, *, is_new: bool) -> bool:
    return isinstance(error, (Unavailable, ScaleSetNotFound, Forbidden) if is_new else Unavailable)
