"""The exit codes of `vmss-health`. They never change: scripts read them."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from pulumi_vmss_health.waiting.ending import Ending


class Exit(IntEnum):
    """How a command ended."""

    HEALTHY = 0
    NOT_HEALTHY = 1
    USAGE = 2
    UNREADABLE = 3
    TIMED_OUT = 4
    INTERRUPTED = 130


_OF_ENDINGS = {
    Ending.HEALTHY: Exit.HEALTHY,
    Ending.FAILING: Exit.NOT_HEALTHY,
    Ending.DELETED: Exit.NOT_HEALTHY,
    Ending.UNREADABLE: Exit.UNREADABLE,
    Ending.TIMED_OUT: Exit.TIMED_OUT,
    Ending.CANCELLED: Exit.INTERRUPTED,
}
_WORST_FIRST = (Exit.INTERRUPTED, Exit.NOT_HEALTHY, Exit.TIMED_OUT, Exit.UNREADABLE)


def exit_of(endings: Iterable[Ending]) -> Exit:
    """Return the exit code for waits that ended so: the worst of them."""
    codes = {_OF_ENDINGS[each] for each in endings}
    return next((code for code in _WORST_FIRST if code in codes), Exit.HEALTHY)
