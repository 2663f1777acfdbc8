"""Tables of plain text that fit a width: columns become narrower, and values go on below themselves."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

_GAP = 2  # columns between two cells
_NARROWEST = 4  # columns of a cell that was shortened


def aligned(rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """Return a line for each row. The widest columns are shortened until a line fits."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    while sum(widths) + _GAP * (len(widths) - 1) > width and max(widths) > _NARROWEST:
        widths[widths.index(max(widths))] -= 1
    return [_line([short(cell, wide) for cell, wide in zip(row, widths, strict=True)], widths) for row in rows]


def wide(columns: Sequence[Sequence[str]]) -> int:
    """Return the width of a table of these columns."""
    return sum(max(map(len, column)) for column in columns) + _GAP * (len(columns) - 1)


def listed(rows: Sequence[tuple[str, str]], width: int) -> list[str]:
    """Return a name and its value for each row; a long value goes on in the next line, below its beginning."""
    names = min(max(len(name) for name, _ in rows), max(width // 2, _NARROWEST))
    room = max(width - names - _GAP, 2 * _NARROWEST)
    lines = []
    for name, value in rows:
        first, *others = textwrap.wrap(value, room) or [""]
        lines += [_line([short(name, names), first], [names, 0]), *(_line(["", each], [names, 0]) for each in others)]
    return lines


def short(text: str, width: int) -> str:
    """Return a text of at most so many columns. Names that begin alike end differently: the middle is left out."""
    if len(text) <= width:
        return text
    head = (width - 1) // 2
    return f"{text[:head]}…{text[len(text) - (width - 1 - head) :]}"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return (" " * _GAP).join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
