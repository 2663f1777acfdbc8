"""How a wait ends."""

from __future__ import annotations

from enum import Enum


class Ending(Enum):
    """Why a wait stopped."""

    HEALTHY = "healthy"
    FAILING = "failing"
    TIMED_OUT = "timedOut"
    UNREADABLE = "unreadable"
    DELETED = "deleted"
    CANCELLED = "cancelled"
