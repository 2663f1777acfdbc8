"""Durations as people write them ("500ms", "2s", "1m30s"), and as Azure does ("PT5M")."""

from __future__ import annotations

import re
import reprlib

_SHAPE = re.compile(
    r"(?=.)(?:(?P<h>\d+(?:\.\d+)?)h)?(?:(?P<m>\d+(?:\.\d+)?)m(?!s))?"
    r"(?:(?P<s>\d+(?:\.\d+)?)s)?(?:(?P<ms>\d+(?:\.\d+)?)ms)?"
)
_ISO = re.compile(
    r"P(?=.)(?:(?P<d>\d+)D)?(?:T(?=.)(?:(?P<h>\d+)H)?(?:(?P<m>\d+)M)?(?:(?P<s>\d+(?:\.\d+)?)S)?)?", re.IGNORECASE
)
_LONGEST = 10 * 366 * 86400.0
_SECONDS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def parse_duration(text: object) -> float:
    """Read a duration, in seconds.

    A bare number is refused: nobody can tell whether 30 means seconds or minutes.

    Raises:
        ValueError: saying what would be right.
    """
    found = _SHAPE.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError(f'{reprlib.repr(text)} is not a duration; write "500ms", "2s" or "1m30s"')
    return _seconds(found)


def parse_iso_duration(text: object) -> float:
    """Read a duration as Azure's models have it, such as PT5M, in seconds.

    Raises:
        ValueError: it is not one.
    """
    found = _ISO.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError(f"{reprlib.repr(text)} is not an ISO 8601 duration, such as PT5M")
    return _seconds(found)


def _seconds(found: re.Match[str]) -> float:
    total = sum(float(amount) * _SECONDS[unit] for unit, amount in found.groupdict().items() if amount)
    if total > _LONGEST:
        raise ValueError(f"{reprlib.repr(found[0])} is longer than ten years")
    return total
