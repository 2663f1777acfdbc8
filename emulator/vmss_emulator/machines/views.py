"""What Azure shows of scale sets: the JSON bodies, in the shapes recorded from api-version 2025-04-01.

Pure: a body follows from the set, its life and the moment. Instances are in `vm_views`.
"""

from __future__ import annotations

from vmss_emulator.machines import models
from vmss_emulator.machines.history import CANCELED
from vmss_emulator.machines.looks import Instance, Status, expected_extensions
from vmss_emulator.machines.models import Body
from vmss_emulator.machines.scale_sets import ScaleSet
from vmss_emulator.machines.statuses import status, summary
from vmss_emulator.machines.upgrades import Upgrade
from vmss_emulator.moments import stamp
from vmss_emulator.script.timeline import Life

_TYPE = "Microsoft.Compute/virtualMachineScaleSets"


def scale_set(found: ScaleSet, life: Life, now: float) -> Body:
    """Return the answer to `GET {set}`."""
    shown = models.shown(found.model(life, now))
    properties = dict(shown["properties"])
    properties["provisioningState"] = found.provisioning(life, now).state
    properties["uniqueId"] = found.unique_id
    properties["timeCreated"] = stamp(found.created)
    if properties.get("virtualMachineProfile"):
        made = {"timeCreated": stamp(found.profile_time(found.changes[-1]))}
        properties["virtualMachineProfile"] = {**properties["virtualMachineProfile"], **made}
    if life.omit_mode:
        del properties["orchestrationMode"]
    body = {"name": found.name, "id": found.id, "type": _TYPE}
    return {**body, **shown, "etag": found.etag, "properties": properties}


def instance_view(found: ScaleSet, life: Life, now: float) -> Body:
    """Return the answer to `GET {set}/instanceView`: counts by state, and nothing about power or health."""
    instances = found.instances(life, now)
    view: Body = {"virtualMachine": {"statusesSummary": summary(instance.vm.word for instance in instances)}}
    names = expected_extensions(found.changes[-1])
    if names:
        view["extensions"] = [{"name": name, "statusesSummary": _extension_summary(name, instances)} for name in names]
    if models.repairs_automatically(found.body):
        state = found.story(life, now).repairs.code
        view["orchestrationServices"] = [{"serviceName": "AutomaticRepairs", "serviceState": state}]
    return {**view, "statuses": [_set_status(found, life, now)]}


def rolling_upgrade(found: ScaleSet, upgrade: Upgrade) -> Body:
    """Return the answer to `GET {set}/rollingUpgrades/latest`, which names neither itself nor an id."""
    action, at = upgrade.action
    running = {"code": upgrade.code, "startTime": stamp(upgrade.started)}
    progress = {
        "successfulInstanceCount": len(upgrade.done),
        "failedInstanceCount": len(upgrade.failed),
        "inProgressInstanceCount": len(upgrade.batch),
        "pendingInstanceCount": len(upgrade.waiting),
    }
    properties = {
        "policy": upgrade.policy.body,
        "runningStatus": {**running, "lastAction": action, "lastActionTime": stamp(at)},
        "progress": progress,
    }
    if upgrade.error is not None:
        properties["error"] = upgrade.error
    kind = f"{_TYPE}/rollingUpgrades"
    return {"type": kind, "location": found.body["location"], "properties": properties}


def _set_status(found: ScaleSet, life: Life, now: float) -> Body:
    last = found.provisioning(life, now)
    code, message = last.state.lower(), None
    if last.outcome is not None and last.outcome.code:
        code, message = code if last.state == CANCELED else f"{code}/{last.outcome.code}", last.outcome.message
    return status("ProvisioningState", Status(code, last.time, message))


def _extension_summary(name: str, instances: list[Instance]) -> list[Body]:
    """Count instances by the state of an extension; one that does not report it counts as creating (2017-03-30)."""
    missing = Status("creating", 0.0)
    return summary(instance.extensions.get(name, missing).word for instance in instances)
