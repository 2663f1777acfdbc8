"""Numbers as people read them."""

from __future__ import annotations

import math


def short(number: float) -> str:
    """Three digits, without an exponent."""
    if number == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(number))))
    return f"{number:,.{digits}f}" if digits < 6 else f"{number:.2g}"


def with_unit(number: float, unit: str) -> str:
    """The number, and its unit if it has one."""
    return f"{short(number)} {unit}".strip()
