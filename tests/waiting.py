"""Waiting for what other threads and processes do, with an end."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(look: Callable[[], T], enough: Callable[[T], object] = bool, seconds: float = 60) -> T:
    """Look until it is enough, and give back what was seen; fails with the last of it."""
    end = time.monotonic() + seconds
    while not enough(found := look()):
        assert time.monotonic() < end, f"not in {seconds}s; last seen: {found!r}"
        time.sleep(0.02)
    return found
