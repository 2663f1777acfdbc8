"""The bodies of one look after the other: each look holds what differs from the look before. Pure.

An instance of which only the times of statuses differ is as before: VM agents give the time of each read, and nothing
is judged by it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pulumi_vmss_health.judging.snapshot import Snapshot
from vmss_instance_view.errors import MalformedBody
from vmss_instance_view.model import Instance, InstanceView, RollingUpgrade, ScaleSet

_NOTHING = "null"
_TIME = re.compile(r'"time":"(?:[^"\\]|\\.)*"')  # a key: within a text of compact JSON each quote has a backslash
_FRAME = 32  # characters around a body, at most


def compact(value: object) -> str:
    """Return JSON on one line, in ASCII, that no log of a pipeline takes for a command (`##vso[…]`)."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).replace("#", "\\u0023")


@dataclass(slots=True)
class Delta:
    """What differs from the look before, as JSON.

    parts: whole bodies by their keys. changed: instances by their ids; None: all are as before. order: the ids of all
    instances, where some changed.
    """

    parts: dict[str, str] = field(default_factory=dict)
    changed: dict[str, str] | None = None
    order: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """The characters that it takes at most."""
        bodies = [*self.parts.values(), *(self.changed or {}).values()]
        return sum(len(compact(each)) + 1 for each in self.order) + sum(len(each) + _FRAME for each in bodies) + _FRAME

    def onto(self, before: Delta, first: Delta) -> Delta:
        """Return what differs from the first look, if `before` is what the look before differs in."""
        parts = {**before.parts, **self.parts}
        if self.changed is None and ("instances" in self.parts or before.changed is None):
            return Delta(parts)
        if self.changed is None:
            return Delta(parts, before.changed, before.order)
        known = {**(before.changed or {}), **self.changed}
        if self.order != _in_order(first.order, self.order):
            known = {**(first.changed or {}), **known}
        return Delta(parts, {each: known[each] for each in self.order if each in known}, self.order)

    @property
    def text(self) -> str:
        """It as the file has it."""
        parts = dict(self.parts)
        if self.changed is not None:
            parts["instances"] = f"[{','.join(self.changed.values())}]"
            if kept := [each for each in self.order if each not in self.changed]:
                parts["instancesKept"] = compact(kept)
        return "{" + ",".join(f'"{key}":{text}' for key, text in parts.items()) + "}"


class Bodies:
    """Finds what differs from one look to the next."""

    def __init__(self) -> None:
        """Begin before the first look."""
        self._last: Snapshot | None = None
        self._known: dict[str, tuple[Instance, str]] = {}

    def delta(self, seen: Snapshot) -> Delta:
        """Return what a look saw that the one before did not."""
        last, self._last = self._last, seen
        found = Delta()
        if last is None or last.view != seen.view:
            found.parts["view"] = compact(seen.view.to_json())
        if (last.scale_set if last else None) != seen.scale_set:
            found.parts["model"] = compact(seen.scale_set.to_json()) if seen.scale_set else _NOTHING
        if (last.rolling_upgrade if last else None) != seen.rolling_upgrade:
            found.parts["rollingUpgrade"] = (
                compact(seen.rolling_upgrade.to_json()) if seen.rolling_upgrade else _NOTHING
            )
        before = last.instances if last else None
        if seen.instances is None:
            self._known = {}
            if before is not None:
                found.parts["instances"] = _NOTHING
        elif seen.instances is not before:
            self._compare(seen.instances, found, is_first=before is None)
        return found

    def _compare(self, instances: Sequence[Instance], found: Delta, *, is_first: bool) -> None:
        before, self._known = self._known, {}
        changed = {}
        for each in instances:
            known = before.get(each.instance_id)
            if known is None or known[0] != each:
                text = compact(each.to_json())
                timeless = _TIME.sub("", text)
                if known is None or known[1] != timeless:
                    changed[each.instance_id] = text
                known = (each, timeless)
            self._known[each.instance_id] = known
        order = tuple(self._known)
        if len(order) < len(instances):  # several have the same id: no delta can tell them apart
            self._known = {}
            found.parts["instances"] = compact([each.to_json() for each in instances])
        elif is_first or order != _in_order(tuple(before), order):
            found.changed = {
                each.instance_id: changed.get(each.instance_id) or compact(each.to_json()) for each in instances
            }
            found.order = order
        elif changed or len(order) != len(before):
            found.changed, found.order = changed, order


def rebuilt(looks: Sequence[Mapping[str, Any]]) -> Iterator[Snapshot | None]:
    """Yield what each look of a file saw; None for one that failed or whose bodies were left out.

    Raises ValueError for bodies that cannot be read.
    """
    view: InstanceView | None = None
    model: ScaleSet | None = None
    upgrade: RollingUpgrade | None = None
    instances: tuple[Instance, ...] | None = None
    for number, look in enumerate(looks):
        bodies = look.get("bodies", {})
        try:
            if "view" in bodies:
                view = InstanceView.from_json(bodies["view"])
            if "model" in bodies:
                model = ScaleSet.from_json(bodies["model"]) if bodies["model"] is not None else None
            if "rollingUpgrade" in bodies:
                told = bodies["rollingUpgrade"]
                upgrade = RollingUpgrade.from_json(told) if told is not None else None
            if "instances" in bodies:
                instances = _instances(bodies, instances or ())
        except (MalformedBody, ValueError) as error:
            raise ValueError(f"look {number}: {error}") from None
        if "bodies" not in look or look["verdict"] is None:
            yield None
        elif view is None:
            raise ValueError(f"look {number}: the instance view is missing")
        else:
            age = float("inf") if look["age"] is None else look["age"]
            unread = tuple(look["unread"].items())
            yield Snapshot(view, model, instances, upgrade, age, look["isBare"], look["inStandbyPool"], unread)


def _instances(bodies: Mapping[str, Any], before: Sequence[Instance]) -> tuple[Instance, ...] | None:
    if bodies["instances"] is None:
        return None
    listed = tuple(map(Instance.from_json, bodies["instances"]))
    if "instancesKept" not in bodies:
        return listed
    known = {each.instance_id: each for each in before}
    if lost := [each for each in bodies["instancesKept"] if each not in known]:
        raise ValueError(f"instancesKept names {lost[0]!r}, which the look before does not have")
    now = {each: known[each] for each in bodies["instancesKept"]}
    now.update((each.instance_id, each) for each in listed)
    return tuple(now[each] for each in _in_order(tuple(known), tuple(now)))


def _in_order(before: Sequence[str], now: Sequence[str]) -> tuple[str, ...]:
    """Sort ids as the look before had them; new ones come last, as they are given."""
    there, old = set(now), set(before)
    return (*(each for each in before if each in there), *(each for each in now if each not in old))
