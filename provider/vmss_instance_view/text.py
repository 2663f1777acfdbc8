"""Clean text from outside, so that it is safe to print and to store.

A guest writes its own messages, and whoever prints them, prints them where others read commands: a terminal obeys
escape sequences, Azure Pipelines obeys `##vso[…]` and `##[…]` anywhere in a line, GitHub obeys `##[…]` anywhere and
`::name::` where a line begins.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

LINE = 2000
"""Characters of a whole line: an error, a cause, a status line."""

_PART = 400  # characters of a part of one
_NAMED = 3  # of scale sets, before what is said of all of them
# Invisible characters, although Unicode counts them among letters and marks: fillers, variation selectors, tags.
_INVISIBLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]")
_COMMAND = re.compile(r"#(?=#)|^:(?=:)")
_HALF_PAIR = re.compile("[\ud800-\udfff]")


def clean(text: str, limit: int = _PART) -> str:
    """Make one printable line of a text, at most `limit` characters long, that no log reader takes for a command.

    Cleaning it again changes nothing. What cannot be seen becomes a blank; `##` and a leading `::` are set apart.
    """
    start = text[: 8 * limit]  # before anything else: a text may be as large as a body
    if not start.isprintable():
        start = "".join(each if each.isprintable() else " " for each in start)
    if not start.isascii():
        start = _INVISIBLE.sub(" ", start)
    line = " ".join(start.split())
    if "##" in line or line.startswith("::"):
        line = _COMMAND.sub(r"\g<0> ", line)
    return line if len(line) <= limit and len(text) <= 8 * limit else line[: limit - 1].rstrip() + "…"


def named(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def encodable(text: str) -> str:
    """Return the text with a mark for each half of a surrogate pair: JSON may hold one alone, UTF-8 must not."""
    return text if text.isascii() else _HALF_PAIR.sub("\ufffd", text)
