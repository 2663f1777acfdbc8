"""When to look next. Pure.

Azure documents for one set's instance view a bucket of 30 reads, refilled at 10 a minute; for its model and its VM
list 36, refilled at 12. A new deployment is looked at every 2 seconds for its first minute, which takes 20 of the
bucket's reads and leaves a third for others; afterwards every 10 seconds, which Azure sustains for ever.
Source: https://learn.microsoft.com/troubleshoot/azure/virtual-machines compute throttling limits, 2024-05-27.
"""

from __future__ import annotations

_BURST = 60.0  # seconds
_QUICK = 2.0
_STEADY = 10.0


def interval(elapsed: float, retry_after: float | None = None) -> float:
    """Seconds until the next look. elapsed: since the first; retry_after: what Azure asked for, which it gets."""
    return max(_QUICK if elapsed < _BURST else _STEADY, retry_after or 0.0)
