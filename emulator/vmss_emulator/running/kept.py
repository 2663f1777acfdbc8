"""What an offline Azure holds, as a file from which another emulator goes on.

Time stands still meanwhile: all moments are moved by as much as the clock went on between the two, so that what was
healthy is healthy at once, and what had two seconds to go has two seconds to go. Kept are the ids of the tenant and of
the subscription, resources, and of each scale set what clients did to it and how that ended: its instances follow from
that. Bodies are kept as they were put, passwords and protected settings included, because the next PUT is compared with
them: the file is for its owner alone. Tokens, credentials, operations' URLs, what was spent of quotas and faults, and
the activity log of sets that were deleted are of one run.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vmss_emulator.azure.resources import Resources
from vmss_emulator.azure.world import World
from vmss_emulator.machines.history import Change, Deed, Outcome
from vmss_emulator.machines.scale_sets import ScaleSet

_VERSION = 1
_ADVICE = "remove it to begin with an empty Azure (then `pulumi refresh`, if Pulumi's state is kept)"


class KeptError(ValueError):
    """The file is not one that this emulator wrote: the message names it and says what to do."""


def write(world: World, file: Path) -> None:
    """Write what a world holds; the file is replaced as a whole, and only its owner may read it.

    Raises:
        OSError: it cannot be written.
    """
    text = json.dumps(_written(world))
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")  # mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as written:
            written.write(text)
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def read(world: World, file: Path) -> None:
    """Let a world that is empty hold what another one held.

    Raises:
        KeptError: the file is broken, or of another version; the world is still empty.
        OSError: it cannot be read.
    """
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):  # not UTF-8, or not JSON
        raise KeptError(f"{file}: not JSON; {_ADVICE}") from None
    version = found.get("vmss-emulator") if isinstance(found, dict) else None
    if version != _VERSION:
        said = "no version of the offline Azure" if version is None else f"version {json.dumps(version)[:20]}"
        raise KeptError(f"{file}: {said} is in it, and this emulator reads version {_VERSION}; {_ADVICE}")
    try:
        _restore(world, found)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise KeptError(f"{file}: it is damaged ({type(error).__name__}); {_ADVICE}") from None


def _written(world: World) -> dict[str, Any]:
    with world.lock:
        now = world.clock()
        for one in world.scale_sets.values():
            one.settle(world.life(one), now)
        return {
            "vmss-emulator": _VERSION,
            "now": now,
            "subscription": world.subscription_id,
            "tenant": world.tenant_id,
            "groups": world.resources.groups,
            "resources": world.resources.resources,
            "names": world.names,
            "scale_sets": [_written_set(one) for one in world.scale_sets.values()],
        }


def _written_set(one: ScaleSet) -> dict[str, Any]:
    return {
        "id": one.id,
        "unique_id": one.unique_id,
        "changes": [{"at": change.at, "body": change.body, "model": change.model} for change in one.changes],
        "deeds": [
            {
                "kind": deed.kind,
                "at": deed.at,
                "change": deed.change.number,
                "instances": None if deed.instances is None else sorted(deed.instances),
                "value": sorted(deed.value) if isinstance(deed.value, frozenset) else deed.value,
            }
            for deed in one.deeds
        ],
        "outcomes": [
            {"deed": number, "ended": ended.ended, "code": ended.code, "message": ended.message}
            for number, ended in one.outcomes_so_far.items()
        ],
    }


def _restore(world: World, found: Mapping[str, Any]) -> None:
    now = world.clock()
    later = now - float(found["now"])
    sets = [_restored_set(one, later) for one in found["scale_sets"]]
    for one in sets:
        one.story(world.life(one), now)  # a history that makes no sense cannot be told
    resources = Resources(str(found["tenant"]), dict(found["groups"]), dict(found["resources"]))
    for body in (*resources.groups.values(), *resources.resources.values()):
        _ = body["id"], body["name"], body["type"], body["properties"]
    world.subscription_id, world.tenant_id = str(found["subscription"]), resources.tenant_id
    world.resources = resources
    world.names[:] = list(map(str, found["names"]))
    world.scale_sets = {one.id.lower(): one for one in sets}


def _restored_set(written: Mapping[str, Any], later: float) -> ScaleSet:
    changes = [
        Change(number, change["at"] + later, change["body"], change["model"])
        for number, change in enumerate(written["changes"], 1)
    ]
    deeds = [
        Deed(
            deed["kind"],
            deed["at"] + later,
            changes[deed["change"] - 1],
            None if deed["instances"] is None else frozenset(deed["instances"]),
            frozenset(deed["value"]) if isinstance(deed["value"], list) else deed["value"],
        )
        for deed in written["deeds"]
    ]
    outcomes = {
        int(one["deed"]): Outcome(one["ended"] + later, one["code"], one["message"]) for one in written["outcomes"]
    }
    return ScaleSet.again(written["id"], written["unique_id"], changes, deeds, outcomes)
