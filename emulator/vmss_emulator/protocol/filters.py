"""The `$filter` of lists: the few forms that are understood, and the refusal of all others.

A list that ignored a filter would be a wrong answer. Source: REST references "Resources - List" and "Resource Groups -
List".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from vmss_emulator.protocol.errors import ArmError
from vmss_emulator.protocol.messages import Ask

_TAG = re.compile(r"tagName\s+eq\s+'([^']*)'(?:\s+and\s+tagValue\s+eq\s+'([^']*)')?", re.IGNORECASE)
_TYPE = re.compile(r"resourceType\s+eq\s+'([^']*)'", re.IGNORECASE)


def unfiltered(ask: Ask, found: Iterable[Any]) -> list[Any]:
    """Return a list that understands no filter; under any of them, an empty list is empty.

    Raises:
        ArmError: 400.
    """
    items = list(found)
    if items and (written := _written(ask)):
        raise _refusal(f"The emulator understands no $filter here, and got {written[:100]!r}.")
    return items


def by_tag(ask: Ask, found: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the groups that have a tag, and its value if the filter names one.

    Raises:
        ArmError: 400 for another filter.
    """
    written = _written(ask)
    if not written:
        return list(found)
    wanted = _TAG.fullmatch(written)
    if wanted is None:
        understood = "$filter=tagName eq '...', also with and tagValue eq '...',"
        raise _refusal(f"The emulator understands {understood} here, not {written[:100]!r}.")
    return [one for one in found if _has_tag(one.get("tags") or {}, wanted[1].lower(), wanted[2])]


def wanted_type(ask: Ask) -> str | None:
    """Return the type that resources are asked for, in lower case; None: any.

    Raises:
        ArmError: 400 for another filter.
    """
    written = _written(ask)
    if not written:
        return None
    wanted = _TYPE.fullmatch(written)
    if wanted is None:
        raise _refusal(f"The emulator understands $filter=resourceType eq '...' alone, not {written[:100]!r}.")
    return wanted[1].lower()


def _written(ask: Ask) -> str:
    return ask.query.get("$filter", "").strip()


def _has_tag(tags: Mapping[str, object], wanted: str, value: str | None) -> bool:
    return any(name.lower() == wanted and value in (None, has) for name, has in tags.items())


def _refusal(message: str) -> ArmError:
    return ArmError(400, "InvalidFilterInQueryString", message, target="$filter")
