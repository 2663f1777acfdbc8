"""Azure's own answers, as `view --json` prints them: every key and value as it came. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from vmss_instance_view.azure.recording import Read

_VIEW = re.compile(r"/virtualMachineScaleSets/[^/]+/instanceView$", re.IGNORECASE)
_LIST = re.compile(r"/virtualMachines$", re.IGNORECASE)
_OWN_VIEW = re.compile(r"(/virtualMachines/[^/]+)/instanceView$", re.IGNORECASE)


def view_of(reads: Iterable[Read]) -> dict[str, Any] | None:
    """Return the last view of a scale set; None if there is none, as of a Flexible set."""
    views = [body for _, body in _bodies(reads, _VIEW)]
    return views[-1] if views else None


def instances_of(reads: Iterable[Read]) -> list[dict[str, Any]]:
    """Return every VM of the lists, once, those of a standby pool included.

    Where two lists have a VM, or its own view was read because a list left something out, these are put together: the
    resource of one answer, and below `properties` the instance view of the other.
    """
    kept = [*reads]
    found: dict[str, dict[str, Any]] = {}
    for _, page in _bodies(kept, _LIST):
        for each in page.get("value") or ():
            place = _place(each)
            found[place] = _joined(found[place], each) if place in found else each
    for path, view in _bodies(kept, _OWN_VIEW):
        match = _OWN_VIEW.search(path)
        place = match[1].lower() if match else ""
        if place in found:
            found[place] = _with_view(found[place], {**(_view(found[place]) or {}), **view})
    return [*found.values()]


def _bodies(reads: Iterable[Read], form: re.Pattern[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    for read in reads:
        if read.status == 200 and isinstance(read.body, dict) and form.search(read.path):
            yield read.path, read.body


def _place(vm: Mapping[str, Any]) -> str:
    """Return what a VM's own path ends with."""
    path = str(vm.get("id") or f"/virtualMachines/{vm.get('instanceId')}")
    return "/".join(["", *path.split("/")[-2:]]).lower()


def _joined(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return a VM of two lists: the resource from the one without views, if one is."""
    resource, view = (other, _view(one)) if _view(other) is None else (one, _view(other))
    return resource if view is None else _with_view(resource, view)


def _view(vm: Mapping[str, Any]) -> dict[str, Any] | None:
    view: dict[str, Any] | None = (vm.get("properties") or {}).get("instanceView")
    return view


def _with_view(vm: dict[str, Any], view: dict[str, Any]) -> dict[str, Any]:
    return {**vm, "properties": {**(vm.get("properties") or {}), "instanceView": view}}
