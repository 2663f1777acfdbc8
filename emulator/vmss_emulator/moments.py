"""Moments as Azure writes them."""

from __future__ import annotations

from datetime import datetime, timezone


def tag_stamp(moment: float) -> str:
    """Return a moment as Azure writes it into the tags of VMs: 4/3/2025 7:34:39 PM +00:00."""
    at = datetime.fromtimestamp(moment, timezone.utc)
    return f"{at.month}/{at.day}/{at.year} {at.hour % 12 or 12}:{at:%M:%S} {'PM' if at.hour > 11 else 'AM'} +00:00"


def stamp(moment: float) -> str:
    """Format Unix seconds as Azure does, with seven digits of a second, of which the last is made up."""
    return datetime.fromtimestamp(moment, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f0+00:00")
