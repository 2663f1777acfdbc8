"""Long lines, broken for a terminal. Pure."""

from __future__ import annotations

import re
import textwrap

from vmss_instance_view.text import LINE, clean

_WIDTH = 86  # columns: Pulumi indents a reason by ten, a warning by thirteen, and what follows by four
_INDENT = " " * 6
_COMMAND = re.compile("`[^`]*`")
_SPACE = "\0"  # stands for one that must not break; `clean` leaves none in a line


def folded(line: str, width: int = _WIDTH, indent: str = _INDENT) -> str:
    """Break a line to fit a width; a command stays whole, on a line of its own if need be.

    width: by default that of a terminal of 100 columns, less what Pulumi puts before it. indent: of all lines but the
    first. Each part is cleaned again: what is harmless within a line may be a command where one begins.
    """
    whole = _COMMAND.sub(lambda command: command.group().replace(" ", _SPACE), line)
    first, *others = textwrap.wrap(whole, width, break_long_words=False, break_on_hyphens=False) or [""]
    return f"\n{indent}".join(clean(part.replace(_SPACE, " "), LINE) for part in (first, *others))
