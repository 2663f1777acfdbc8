"""Moments as Azure writes them."""

from __future__ import annotations

from datetime import datetime, timezone


def stamp(moment: float) -> str:
    """A moment in Unix seconds as Azure writes it: with seven digits of a second, the last of which nobody measured."""
    return datetime.fromtimestamp(moment, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f0+00:00")
