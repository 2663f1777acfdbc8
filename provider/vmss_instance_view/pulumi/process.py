"""The provider process, as far as Pulumi does not document it: its engine's address, and attempts that may fail.

No mechanism of this room is promised by Pulumi, so each degrades quietly to a plainer way (worse display, same
verdicts), with a line in the debug log. Read in the SDK 3.272 (pulumi/dynamic/__main__.py), verified on the engines
3.259 and 3.274.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_log = logging.getLogger(__name__)

_ADDRESS = re.compile(r"[\w.\-]+:\d+")


def quietly(what: str, attempt: Callable[[], T]) -> T | None:
    """Return the attempt's result; None, and a line in the debug log, if this Pulumi does not allow it."""
    try:
        return attempt()
    except Exception as error:
        _log.debug("%s is not possible with this Pulumi: %r", what, error)
        return None


def engine_address() -> str | None:
    """Return the engine's address: the last argument of the provider process that looks like one."""
    return next((argument for argument in reversed(sys.argv[1:]) if _ADDRESS.fullmatch(argument)), None)
