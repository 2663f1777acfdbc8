"""The activity log: what was asked of scale sets, and what failed, as `az monitor activity-log list` reads it."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from typing import Any

from vmss_emulator.azure.world import World
from vmss_emulator.machines.history import INSTANT, Deed, Outcome
from vmss_emulator.machines.scale_sets import ScaleSet
from vmss_emulator.moments import stamp
from vmss_emulator.protocol.messages import Ask

_OPERATIONS = {"put": "write", "gone": "delete", "rollingupgrade": "osRollingUpgrade/action"}
_BY_RESOURCE = re.compile(r"resourceUri eq '([^']*)'", re.IGNORECASE)
_BY_GROUP = re.compile(r"resourceGroupName eq '([^']*)'", re.IGNORECASE)


def events(ask: Ask, world: World) -> list[dict[str, Any]]:
    """Return the events that a request's filter asks for, the newest first; times in the filter are not looked at."""
    wanted = ask.query.get("$filter", "")
    resource, group = _BY_RESOURCE.search(wanted), _BY_GROUP.search(wanted)
    there = ((one, None) for one in world.scale_sets.values())
    found = [
        event
        for one, gone in (*there, *world.gone)
        if resource is None or one.id.lower() == resource[1].lower()
        if group is None or f"/resourcegroups/{group[1].lower()}/" in one.id.lower()
        for event in _of(one, world, gone)
    ]
    return sorted(found, key=lambda event: str(event["eventTimestamp"]), reverse=True)


def _of(found: ScaleSet, world: World, gone: float | None) -> Iterator[dict[str, Any]]:
    life, now = world.life(found), world.clock() if gone is None else gone
    for number, deed in enumerate(found.deeds):
        if deed.kind in INSTANT:
            continue
        outcome = found.outcome(number, life, now)
        yield _event(found, deed, outcome, world)
    if gone is not None:
        yield _event(found, Deed("gone", gone, found.changes[-1]), Outcome(gone), world)


def _event(found: ScaleSet, deed: Deed, outcome: Outcome | None, world: World) -> dict[str, Any]:
    status = "Started" if outcome is None else outcome.state
    operation = f"Microsoft.Compute/virtualMachineScaleSets/{_OPERATIONS.get(deed.kind, f'{deed.kind}/action')}"
    at = deed.at if outcome is None else outcome.ended
    correlation = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{found.unique_id}/{deed.at}/{deed.kind}"))
    event: dict[str, Any] = {
        "id": f"{found.id}/events/{correlation}/ticks/{int(at * 10**7)}",
        "correlationId": correlation,
        "operationId": correlation,
        "eventDataId": correlation,
        "eventName": _words("EndRequest" if outcome else "BeginRequest"),
        "category": _words("Administrative"),
        "channels": "Operation",
        "level": "Error" if outcome is not None and outcome.code else "Informational",
        "operationName": _words(operation),
        "resourceGroupName": found.id.split("/")[4],
        "resourceProviderName": _words("Microsoft.Compute"),
        "resourceType": _words("Microsoft.Compute/virtualMachineScaleSets"),
        "resourceId": found.id,
        "status": _words(status),
        "subStatus": _words(""),
        "eventTimestamp": stamp(at),
        "submissionTimestamp": stamp(at),
        "subscriptionId": world.subscription_id,
        "tenantId": world.tenant_id,
    }
    if outcome is not None and outcome.code:
        error = {"error": {"code": outcome.code, "message": outcome.message}}
        event["properties"] = {"statusCode": "Conflict", "statusMessage": json.dumps(error)}
    return event


def _words(value: str) -> dict[str, str]:
    return {"value": value, "localizedValue": value}
