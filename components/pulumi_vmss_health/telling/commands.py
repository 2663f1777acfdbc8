"""Commands that show more, and those that mend: each ready to be pasted into a shell. Pure."""

from __future__ import annotations

import shlex

from pulumi_vmss_health.judging.snapshot import Snapshot
from pulumi_vmss_health.telling.status import SERVICE_NAME
from pulumi_vmss_health.waiting.memory import Progress
from vmss_instance_view.errors import ScaleSetNotFound
from vmss_instance_view.scale_set_id import ScaleSetId
from vmss_instance_view.text import clean

_SERVICES = 10  # that are named
_OF_UPGRADES = {"RollingUpgradeFailed", "RollingUpgradeRunning", "OtherUpgradeFailed"}
# A table that fits a screen. az prints what is below "properties" beside the other fields.
_INSTANCES = (
    "--query '[].{id:instanceId,vm:provisioningState,latest:latestModelApplied,"
    "health:instanceView.vmHealth.status.code}' -o table"
)
_VMS = "--query '[].{name:name,vm:provisioningState,power:powerState,zone:zones[0]}' -o table"
_VIEW = "--query 'instanceView.{vm:statuses[].code,health:vmHealth.status.code,extensions:extensions}'"
_DELETIONS = (
    "--query \"[?ends_with(operationName.value,'delete')]"
    '.{at:eventTimestamp,who:caller,what:operationName.value}" -o table'
)
_FAILED_OPERATIONS = (
    "--query \"[?status.value=='Failed'].{at:eventTimestamp,what:operationName.value,why:subStatus.value}\" -o table"
)


def where_to_look(scale_set: ScaleSetId, portal: str | None, progress: Progress) -> list[str]:
    """Return what to do and run next: repairs, then commands and a link that show more; none if no look succeeded."""
    if progress.snapshot is None:
        return []
    names = scale_set.resource_group, scale_set.name, scale_set.subscription_id
    group, name, subscription = map(shlex.quote, names)
    where = f"-g {group} -n {name} --subscription {subscription}"
    activities = f"az monitor activity-log list --resource-id {shlex.quote(str(scale_set))} --offset 1d"
    if isinstance(progress.error, ScaleSetNotFound):
        return [f"look closer: `{activities} {_DELETIONS}`"]
    codes = {reason.code for reason in progress.verdict.reasons} if progress.verdict else set()
    commands = [
        *_instances(progress, scale_set, where),
        *([f"az vmss rolling-upgrade get-latest {where}"] if codes & _OF_UPGRADES else []),
        f"{activities} {_FAILED_OPERATIONS}",
    ]
    places = [*(f"`{each}`" for each in commands), *([f"{portal}/#@/resource{scale_set}/instances"] if portal else [])]
    return [
        *_suspended(progress.snapshot, where),
        *_stale(progress.snapshot, codes, where),
        *(f"look closer: {place}" for place in places),
    ]


def _instances(progress: Progress, scale_set: ScaleSetId, where: str) -> list[str]:
    """Return commands that show instances: all in a table; of a Flexible set also one that is not well, in detail."""
    snapshot = progress.snapshot
    if snapshot is None or snapshot.scale_set is None or not snapshot.scale_set.is_flexible:
        return [f"az vmss list-instances {where} --expand instanceView {_INSTANCES}"]
    subscription = shlex.quote(scale_set.subscription_id)
    commands = [f"az vm list --vmss {shlex.quote(str(scale_set))} --subscription {subscription} -d {_VMS}"]
    reasons = progress.verdict.reasons if progress.verdict else ()
    ill = next((each.instances[0] for each in reasons if each.instances), "")
    ids = [each.id for each in snapshot.instances or () if each.instance_id == ill and each.id]
    return [*commands, *(f"az vm get-instance-view --ids {shlex.quote(id_)} {_VIEW}" for id_ in ids[:1])]


def _stale(snapshot: Snapshot, codes: set[str], where: str) -> list[str]:
    """Return how to apply the latest model under a Manual upgrade policy.

    Otherwise Azure applies it, and people must not do so past the batches of a rolling upgrade.
    """
    if snapshot.scale_set is None or not snapshot.scale_set.is_manual or "ModelNotApplied" not in codes:
        return []
    return [f"apply the latest model: `az vmss update-instances {where} --instance-ids '*'`"]


def _suspended(snapshot: Snapshot, where: str) -> list[str]:
    """Return how to resume services that Azure has suspended: until then nobody repairs an unhealthy instance."""
    names = [
        clean(each.service_name or "", SERVICE_NAME)
        for each in snapshot.view.orchestration_services
        if (each.service_state or "").lower() == "suspended"
    ]
    return [
        f"{name} is suspended; when the cause is mended, resume it with `az vmss set-orchestration-service-state "
        f"{where} --service-name {shlex.quote(name)} --action Resume`"
        for name in names[:_SERVICES]
    ]
