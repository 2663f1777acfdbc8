"""The routes of what is done to a scale set's instances, and of rolling upgrades.

Source: REST reference "Virtual Machine Scale Sets", "Virtual Machine Scale Set VMs" and "Virtual Machine Scale Set
Rolling Upgrades". Each is a long-running operation, and the last one of the set: one that fails lets the set fail.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from vmss_emulator.azure.world import World
from vmss_emulator.machines import models, views
from vmss_emulator.machines.scale_sets import ScaleSet
from vmss_emulator.protocol.arm_path import ArmPath
from vmss_emulator.protocol.errors import ArmError, method_not_allowed, not_emulated, resource_not_found
from vmss_emulator.protocol.json_shapes import check
from vmss_emulator.protocol.messages import Answer, Ask

# What clients call it, and what it is here.
_DEEDS = {
    "manualupgrade": "manualupgrade",
    "reimage": "reimage",
    "reimageall": "reimage",
    "start": "start",
    "restart": "restart",
    "deallocate": "deallocate",
    "poweroff": "poweroff",
    "delete": "delete",
}
_NOT_EMULATED = frozenset(
    {
        *("approverollingupgrade", "converttosingleplacementgroup", "osupgradehistory", "performmaintenance"),
        *("forcerecoveryservicefabricplatformupdatedomainwalk", "publicipaddresses", "reapply", "redeploy", "scaleout"),
        *("extensions", "retrievebootdiagnosticsdata", "runcommand", "runcommands", "simulateeviction", "skus"),
    }
)
_UPGRADES = ("osrollingupgrade", "extensionrollingupgrade")
_NEED_INSTANCES = ("manualupgrade", "delete")
_NOT_DURING_UPGRADES = ("manualupgrade", "reimage")
_PROTECTIONS = ("protectFromScaleIn", "protectFromScaleSetActions")
_REPAIRS = {"suspend": "Suspended", "resume": "Running"}


class ActionRoutes:
    """Answers for `{set}/{action}`, `{set}/rollingUpgrades/...` and actions on one instance."""

    def __init__(self, world: World) -> None:
        self._world = world

    def answer(self, ask: Ask, path: ArmPath) -> Answer:
        """Answer a request about a set.

        Raises:
            ArmError: the answer is an error.
        """
        found = self._world.scale_set(path)
        match path.lower()[2:]:
            case ("rollingupgrades", "latest"):
                return self._latest(ask, path, found)
            case ("rollingupgrades", "cancel"):
                return self._cancel(ask, found)
            case ("setorchestrationservicestate",):
                return self._repairs(ask, found)
            case (action,) if action in _UPGRADES:
                _require_post(ask)
                return self._do(ask, found, "rollingupgrade")
            case (action,) if action in _DEEDS:
                _require_post(ask)
                return self._do(ask, found, _DEEDS[action], self._chosen(ask, found, action))
            case (action,) if action in _NOT_EMULATED:
                raise not_emulated(f"{action} of scale sets")
        raise resource_not_found(path.kind, path.name, path.group or "", gateway=False)

    def on_instance(self, ask: Ask, found: ScaleSet, index: int, action: str | None) -> Answer | None:
        """Do something to one instance: an action, or DELETE it (no action). None if it is no such request."""
        if action is None and ask.method == "DELETE":
            return self._do(ask, found, "delete", [index])
        if action is not None:
            refuse_not_emulated(action)
        if action not in _DEEDS or action in _NEED_INSTANCES:
            return None
        _require_post(ask)
        return self._do(ask, found, _DEEDS[action], [index])

    def protect(self, ask: Ask, found: ScaleSet, index: int) -> Mapping[str, str]:
        """Take over the protection policy of an instance's body; returns the operation's headers."""
        asked = ask.json()
        check(asked, {"properties": {"protectionPolicy": dict.fromkeys(_PROTECTIONS, bool)}})
        policy = (asked.get("properties") or {}).get("protectionPolicy") or {}
        wanted = frozenset(key for key in _PROTECTIONS if policy.get(key) is True)
        return self._do(ask, found, "protect", [index], wanted).headers

    def _do(
        self,
        ask: Ask,
        found: ScaleSet,
        kind: str,
        instances: Collection[int] | None = None,
        value: Any = None,  # noqa: ANN401 - see Deed
    ) -> Answer:
        life, now = self._world.life(found), self._world.clock()
        if kind in (*_NOT_DURING_UPGRADES, "rollingupgrade"):
            found.refuse_while_upgrading(life, now)
        number = found.do(kind, now, instances, value)
        return Answer(202, None, self._world.follow(found, number, ask.version, by_location=True))

    def _chosen(self, ask: Ask, found: ScaleSet, action: str) -> list[int] | None:
        """Return the instances that a body names; None: all."""
        asked = ask.json() if ask.content.strip() else {}
        check(asked, {"instanceIds": [str]})
        named = asked.get("instanceIds")
        if named is None and action in _NEED_INSTANCES:
            raise _invalid("The instanceIds are required.")
        if named is None or "*" in named:
            return None
        known = self._known(found)
        unknown = [str(name) for name in named if str(name).lower() not in known]
        if unknown:
            raise _invalid(f"There is no instance {unknown[0]} in the scale set.")
        return [known[str(name).lower()] for name in named]

    def _known(self, found: ScaleSet) -> dict[str, int]:
        flexible = models.is_flexible(found.body)
        instances = found.instances(self._world.life(found), self._world.clock())
        return {found.vm_name(one.id).lower() if flexible else str(one.id): one.id for one in instances}

    def _latest(self, ask: Ask, path: ArmPath, found: ScaleSet) -> Answer:
        ask.require_get()
        upgrade = found.story(self._world.life(found), self._world.clock()).upgrade
        if upgrade is None:
            raise resource_not_found(path.kind, path.name, path.group or "", gateway=False)
        return Answer(200, views.rolling_upgrade(found, upgrade))

    def _cancel(self, ask: Ask, found: ScaleSet) -> Answer:
        _require_post(ask)
        upgrade = found.story(self._world.life(found), self._world.clock()).upgrade
        if upgrade is None or not upgrade.running:
            raise ArmError(409, "OperationNotAllowed", "No rolling upgrade is in progress that could be cancelled.")
        return self._do(ask, found, "cancel")

    def _repairs(self, ask: Ask, found: ScaleSet) -> Answer:
        _require_post(ask)
        asked = ask.json()
        state = _REPAIRS.get(str(asked.get("action")).lower())
        if state is None or str(asked.get("serviceName")).lower() != "automaticrepairs":
            raise _invalid("A service AutomaticRepairs can be told to Suspend or Resume.", "action")
        return self._do(ask, found, "repairs", value=state)


def refuse_not_emulated(word: str) -> None:
    """Refuse what lies below an instance in Azure, and not here.

    Raises:
        ArmError: 501.
    """
    if word in _NOT_EMULATED:
        raise not_emulated(f"{word} of instances")


def _require_post(ask: Ask) -> None:
    if ask.method != "POST":
        raise method_not_allowed(ask.method)


def _invalid(message: str, target: str = "instanceIds") -> ArmError:
    return ArmError(400, "InvalidParameter", message, target=target)
