"""Bodies as a client would PUT them, for tests that need a scale set and not its details."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_HEALTH = {
    "name": "health",
    "properties": {
        "publisher": "Microsoft.ManagedServices",
        "type": "ApplicationHealthLinux",
        "typeHandlerVersion": "2.0",
        "settings": {"protocol": "http", "port": 80, "requestPath": "/healthz"},
    },
}
_SCRIPT = {"publisher": "Microsoft.Azure.Extensions", "type": "CustomScript", "typeHandlerVersion": "2.1"}


def extensions(wanted: Sequence[str | Mapping[str, Any]], *, health: bool) -> list[dict[str, Any]]:
    """Extensions of a model: a name stands for a custom script; health: with an application health extension."""
    named = [{"name": one, "properties": _SCRIPT} if isinstance(one, str) else dict(one) for one in wanted]
    return named + [_HEALTH] * health


def scale_set(
    capacity: int | None, wanted: list[dict[str, Any]], upgrade_mode: str, properties: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a scale set; properties: more of them, in ARM's names, which join those made here.

    capacity: None: a set without a model of its VMs.
    """
    if capacity is None:
        return {"location": "westeurope", "sku": None, "properties": {**properties, "virtualMachineProfile": None}}
    profile = {"extensionProfile": {"extensions": wanted}, **(properties.get("virtualMachineProfile") or {})}
    policy = {"mode": upgrade_mode, **(properties.get("upgradePolicy") or {})}
    own = {**properties, "virtualMachineProfile": profile, "upgradePolicy": policy}
    return {"location": "westeurope", "sku": {"name": "Standard_B1s", "capacity": capacity}, "properties": own}
