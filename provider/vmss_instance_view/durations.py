"""Durations as people write and read them. Pure."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import lru_cache

_NUMBER = r"([0-9]{1,8}(?:\.[0-9]{1,6})?)"
_DURATION = re.compile(rf"(?:{_NUMBER}d)?(?:{_NUMBER}h)?(?:{_NUMBER}m)?(?:{_NUMBER}s)?")


def parse_duration(value: object, name: str) -> timedelta:
    """Return a duration from a `timedelta` or a text such as "90s", "1h30m" or "2d".

    Raises ValueError (wrong text, negative) or TypeError (a bare number: is 30 seconds or minutes?),
    both naming `name`.
    """
    if isinstance(value, timedelta):
        if value < timedelta(0):
            raise ValueError(f"{name} must not be negative, not {value}")
        return value
    if not isinstance(value, str):
        raise TypeError(
            f"{name} must be a timedelta or a text with units such as '30m' or '1h30m', not {type(value).__name__}"
        )
    duration = _parsed(value)
    if duration is None:
        raise ValueError(f"{name} must look like '90s', '30m' or '1h30m' (units d, h, m, s), not {value!r}")
    return duration


@lru_cache(maxsize=256)  # every look asks for those of its policy several times
def _parsed(text: str) -> timedelta | None:
    match = _DURATION.fullmatch(text.strip())
    if not match or not any(match.groups()):
        return None
    days, hours, minutes, seconds = (float(number or 0) for number in match.groups())
    return timedelta(days, seconds, minutes=minutes, hours=hours)


def format_duration(duration: timedelta) -> str:
    """Return a duration as people read it, and as `parse_duration` reads it back: "1h5m", "1m20s", "0.5s", "0s"."""
    minutes, seconds = divmod(duration, timedelta(minutes=1))
    hours, minutes = divmod(minutes, 60)
    text = f"{seconds.total_seconds():.6f}".rstrip("0").rstrip(".")
    parts = [f"{hours}h" if hours else "", f"{minutes}m" if minutes else "", f"{text}s" if seconds else ""]
    return "".join(parts) or "0s"


def format_seconds(value: float) -> str:
    """Return seconds in words, without fractions."""
    return format_duration(timedelta(seconds=int(value)))
