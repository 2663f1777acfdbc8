"""Lists that come in pages, as Azure's do: `nextLink` leads to the next one until there is none."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from vmss_emulator.protocol.errors import ArmError
from vmss_emulator.protocol.messages import Ask

T = TypeVar("T")

NUMBER = re.compile(r"[0-9]{1,9}")


def page(ask: Ask, url: str, size: int, items: Sequence[T], show: Callable[[T], Any]) -> dict[str, Any]:
    """Return the page of a list that a request asks for; url: the emulator's own.

    Raises:
        ArmError: 400 for a $skiptoken that was not given out here.
    """
    begin = _skipped(ask)
    end = begin + size
    body: dict[str, Any] = {"value": [show(item) for item in items[begin:end]]}
    if end < len(items):
        body["nextLink"] = f"{url}{ask.path}?{urlencode({**ask.query, '$skiptoken': str(end)})}"
    return body


def _skipped(ask: Ask) -> int:
    token = ask.query.get("$skiptoken", "0")
    if not NUMBER.fullmatch(token):
        raise ArmError(400, "InvalidParameter", "The $skiptoken was not issued by this service.", target="$skiptoken")
    return int(token)
