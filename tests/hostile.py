"""Text that means harm to whoever prints it, and what a line must be so that printing it does none."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache

# Azure's agent looks for these anywhere in a line, GitHub's runner for the second; `::name::` must begin its line.
COMMANDS = (
    "##vso[task.setvariable variable=PATH]/x/evil",
    "##[add-matcher]/x/m.json",
    "##[error]no",
    "::error file=x::no",
    "::add-mask::no",
    "##teamcity[buildStatus text='no']",
)
CONTROLS = (
    "\n", "\r\n", "\t", "\x00", "\x1b[31m", "\x1b]8;;http://x\x07", "\x7f", "\x85", "\x9b2J",
    "\u2028", "\u2029", "\u202e", "\u2066", "\u200f", "\u061c",
    "\u200b", "\u200d", "\u2060", "\ufeff", "\u00ad", "\ufff9", "\U000e0001", "\U000e0041", "\U000e0fff", "\ufe0f",
    "\ud83d", "\ude00",
)  # fmt: skip
EVERYTHING = "\n" + "\n".join(COMMANDS) + "".join(CONTROLS) + "#\u200b#vso[x]" + "x" * 50 + "`$(id)`'\"; id #"

_COMMAND = re.compile(r"##[\w.-]*\[")
_CATEGORIES = ("Cc", "Cf", "Cs", "Zl", "Zp")


@cache
def _is_invisible(character: str) -> bool:
    return (
        unicodedata.category(character) in _CATEGORIES
        or "\ufe00" <= character <= "\ufe0f"
        or "\U000e0000" <= character <= "\U000e0fff"
    )


@lru_cache(maxsize=100_000)
def harm(line: str) -> str | None:
    """What is wrong with a line that is meant to be printed in a pipeline; None: nothing."""
    # Some runners compare texts as people would, for whom an invisible character is not there.
    found = set(filter(_is_invisible, set(line)))
    seen = "".join(each for each in line if each not in found) if found else line
    for text in (line, seen):
        if _COMMAND.search(text) or "##[" in text or text.lstrip().startswith("::"):
            return f"a pipeline command in {line!r}"
    return f"{found} in {line!r}" if found else None
