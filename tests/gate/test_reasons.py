"""Every reason, whole: what programs match and what people read."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from tests.sets import HEALTH_EXTENSION, Vm, snapshot

from pulumi_vmss_health import (
    ExtensionProfile,
    ExtensionStatus,
    ExtensionSummary,
    GatePolicy,
    InstanceView,
    Reason,
    RollingUpgrade,
    Snapshot,
    State,
    Status,
    StatusCount,
    evaluate,
)
from pulumi_vmss_health.judging import verdict as verdict_module
from pulumi_vmss_health.judging.snapshot import Context
from vmss_instance_view.model import parse_time

PROGRESSING, HEALTHY, FAILING = State.PROGRESSING, State.HEALTHY, State.FAILING
WELL = Vm()
NEW = "2026-03-02T00:00:00Z"


def of_the_view(seen: Snapshot) -> Snapshot:
    return replace(seen, instances=None)


def with_status(seen: Snapshot, *statuses: Status) -> Snapshot:
    return replace(seen, view=replace(seen.view, statuses=statuses))


def upgrading(seen: Snapshot, code: str, started: str | None = NEW) -> Snapshot:
    upgrade = RollingUpgrade(code, started, successful=2, failed=1, in_progress=3, pending=4, error_message="too many")
    return replace(seen, rolling_upgrade=upgrade)


def unprobed(seen: Snapshot) -> Snapshot:
    assert seen.scale_set is not None
    kept = tuple(each for each in seen.scale_set.extensions if each != HEALTH_EXTENSION)
    return replace(seen, scale_set=replace(seen.scale_set, extensions=kept))


def of_model(seen: Snapshot, **changes: object) -> Snapshot:
    assert seen.scale_set is not None
    return replace(seen, scale_set=replace(seen.scale_set, **changes))  # type: ignore[arg-type]


def of_resource(seen: Snapshot, state: str) -> Snapshot:
    """The last instance's resource says so; its view says what it said."""
    assert seen.instances
    return replace(seen, instances=(*seen.instances[:-1], replace(seen.instances[-1], provisioning_state=state)))


def of_view(seen: Snapshot, **changes: object) -> Snapshot:
    """The last instance's view, otherwise."""
    assert seen.instances
    last = seen.instances[-1]
    assert last.view is not None
    told = replace(last, view=replace(last.view, **changes), provisioning_state=None)  # type: ignore[arg-type]
    return replace(seen, instances=(*seen.instances[:-1], told))


def with_states(seen: Snapshot, *states: str) -> Snapshot:
    """The last VM has these states of provisioning, and runs."""
    told = tuple(Status(f"ProvisioningState/{state}") for state in states)
    return of_view(seen, statuses=(*told, Status("PowerState/running")))


def with_states_of(seen: Snapshot, extension: str, *states: str) -> Snapshot:
    """The last VM has one extension, in these states."""
    told = tuple(Status(f"ProvisioningState/{state}") for state in states)
    return of_view(seen, extensions=(ExtensionStatus(extension, told),))


def asking(**policy: object) -> dict[str, object]:
    return policy


PASSED = Context(since=parse_time("2026-03-01T00:00:00Z"))
SETTLED = Context(surplus_settled=True)
LOOK_AT_THE_APPLICATION = "check the application's log on the instance, and what its health endpoint answers there"
ILL = Vm(health="unhealthy", message="HTTP 500\nfrom /healthz")
BROKEN = Vm(extensions=(("cse", "failed/50"),), message="exit status 50")
EXTENSION_FAILED = Reason(
    "ExtensionFailed",
    "instance 1, extension cse",
    "failed/50",
    "succeeded",
    "instance 1: extension cse failed/50, want succeeded (1 of 2 pass, 2 required): exit status 50",
    "check the log of extension cse on the instance, correct its settings, then update the instance",
)
CASES: list[tuple[Snapshot, dict[str, object], Reason]] = [
    (
        snapshot(WELL, capacity=3),
        {"min_healthy": 1},
        Reason("TooFewVms", "scale set", "1", "3", "1 VMs exist, the capacity is 3", "", PROGRESSING),
    ),
    (
        snapshot(WELL, WELL, capacity=1),
        {},
        Reason("SurplusVms", "scale set", "2", "1", "2 VMs exist, the capacity is 1", "", PROGRESSING),
    ),
    (
        snapshot(WELL, WELL, capacity=1),
        {"context": SETTLED},
        Reason(
            "SurplusStays",
            "scale set",
            "2",
            "1",
            "2 VMs exist, the capacity is 1: the extra VMs have stayed for 5 minutes, so they only give a warning",
            "",
            HEALTHY,
        ),
    ),
    (
        snapshot(),
        {},
        Reason("NothingToJudge", "scale set", "0", "0", "the capacity is 0: there are no VMs to judge", "", HEALTHY),
    ),
    (
        of_the_view(snapshot(WELL, Vm(provisioning="creating"), Vm(provisioning="updating"))),
        {},
        Reason(
            "TooFewVmsSucceeded",
            "VMs",
            "1",
            "3",
            "VMs: 1 of 3 succeeded, 3 required (1 succeeded, 1 creating, 1 updating)",
            "",
            PROGRESSING,
        ),
    ),
    (
        of_the_view(snapshot(WELL, Vm(provisioning="failed/X"))),
        {},
        Reason("TooManyVmsFailed", "VMs", "1", "2", "VMs: 1 of 2 succeeded, 2 required (1 succeeded, 1 failed)"),
    ),
    (
        of_the_view(snapshot(WELL, BROKEN)),
        {},
        Reason(
            "TooManyExtensionsFailed",
            "extension cse",
            "1",
            "2",
            "extension cse: 1 of 2 succeeded, 2 required (1 succeeded, 1 failed)",
        ),
    ),
    (
        of_the_view(replace(snapshot(WELL, extensions=("logs",)), view=snapshot(WELL, extensions=()).view)),
        {"extensions": ["logs"]},
        Reason(
            "TooFewExtensionsSucceeded",
            "extension logs",
            "0",
            "1",
            "extension logs: 0 of 1 succeeded, 1 required (none reported)",
            "",
            PROGRESSING,
        ),
    ),
    (
        snapshot(WELL, extensions=()),
        {"extensions": ["logs"]},
        Reason(
            "ExtensionUnknown",
            "extension logs",
            "not in the model",
            "succeeded",
            "the model has no extension logs; it has health",
            "correct the name in extensions, unless something other than the model installs it",
            PROGRESSING,
        ),
    ),
    (
        with_status(snapshot(WELL)),
        {},
        Reason(
            "SetStatusAbsent",
            "scale set",
            "no status",
            "succeeded",
            "no operation on the set has reported its status yet",
            "",
            PROGRESSING,
        ),
    ),
    (
        snapshot(WELL, status="updating"),
        {},
        Reason(
            "SetOperationRunning",
            "scale set",
            "updating",
            "succeeded",
            "an operation on the set is in progress (updating)",
            "",
            PROGRESSING,
        ),
    ),
    (
        with_status(snapshot(ILL), Status("ProvisioningState/failed/Quota", "Error", message="no cores\nare left")),
        {},
        Reason(
            "SetOperationFailed",
            "scale set",
            "failed/Quota",
            "succeeded",
            "the last operation on the set ended failed/Quota: no cores are left",
            "request more quota in this region, or use fewer cores",
        ),
    ),
    (
        with_status(snapshot(WELL), Status("ProvisioningState/failed/Quota", message="No cores\nare left.")),
        {},
        Reason(
            "SetOperationOutlived",
            "scale set",
            "failed/Quota",
            "succeeded",
            "the last operation on the set ended failed/Quota: No cores are left; all instances are healthy, "
            "so this failure is ignored",
            "",
            HEALTHY,
        ),
    ),
    (
        snapshot(WELL, WELL, Vm(provisioning="failed/Quota"), status="failed/Quota"),
        {"min_healthy": "60%"},
        Reason(
            "SetOperationOutlived",
            "scale set",
            "failed/Quota",
            "succeeded",
            "the last operation on the set ended failed/Quota; enough instances are healthy, "
            "so this failure is ignored; not healthy: instance 2",
            "",
            HEALTHY,
        ),
    ),
    (
        upgrading(snapshot(WELL), "RollingForward"),
        {},
        Reason(
            "RollingUpgradeRunning",
            "rolling upgrade",
            "RollingForward",
            "Completed",
            "a rolling upgrade is RollingForward (2 upgraded, 3 in progress, 4 pending)",
            "",
            PROGRESSING,
        ),
    ),
    (
        upgrading(snapshot(WELL), "RollingBack", "2026-02-01T00:00:00Z"),
        {},
        Reason(
            "RollingUpgradeRunning",
            "rolling upgrade",
            "RollingBack",
            "Completed",
            "a rolling upgrade that Azure or somebody else started is RollingBack "
            "(2 upgraded, 3 in progress, 4 pending)",
            "",
            PROGRESSING,
        ),
    ),
    (
        upgrading(snapshot(Vm(latest=False)), "Faulted"),
        {},
        Reason(
            "RollingUpgradeFailed",
            "rolling upgrade",
            "Faulted",
            "Completed",
            "the rolling upgrade ended Faulted (2 upgraded, 3 in progress, 4 pending, 1 failed): too many",
            "correct the cause of the failure, then start the upgrade again",
        ),
    ),
    (
        replace(snapshot(Vm(latest=False)), rolling_upgrade=RollingUpgrade("Cancelled")),
        {},
        Reason(
            "RollingUpgradeFailed",
            "rolling upgrade",
            "Cancelled",
            "Completed",
            "the rolling upgrade ended Cancelled (0 upgraded, 0 in progress, 0 pending, 0 failed)",
            "correct the cause of the failure, then start the upgrade again",
        ),
    ),
    (
        replace(snapshot(WELL), rolling_upgrade=RollingUpgrade(start_time=NEW)),
        {},
        Reason(
            "RollingUpgradeRunning",
            "rolling upgrade",
            "unknown",
            "Completed",
            "a rolling upgrade is unknown (0 upgraded, 0 in progress, 0 pending)",
            "",
            PROGRESSING,
        ),
    ),
    (
        snapshot(WELL, Vm(provisioning="failed/OSProvisioningTimedOut", message="no signal")),
        {},
        Reason(
            "VmFailed",
            "instance 1, VM",
            "failed/OSProvisioningTimedOut",
            "succeeded",
            "instance 1: VM failed/OSProvisioningTimedOut, want succeeded (1 of 2 pass, 2 required): no signal",
            "check the boot diagnostics; the VM may still come up, but an image without a VM agent never reports",
        ),
    ),
    (
        snapshot(WELL, Vm(provisioning="creating"), Vm(provisioning="creating")),
        {},
        Reason(
            "VmNotProvisioned",
            "instances 1 and 2, VM",
            "creating",
            "succeeded",
            "instances 1 and 2: VM creating, want succeeded (1 of 3 pass, 3 required)",
            "",
            PROGRESSING,
        ),
    ),
    (
        snapshot(WELL, Vm(provisioning=None)),
        {},
        Reason(
            "VmNotProvisioned",
            "instance 1, VM",
            "unknown",
            "succeeded",
            "instance 1: VM unknown, want succeeded (1 of 2 pass, 2 required)",
            "",
            PROGRESSING,
        ),
    ),
    (
        snapshot(WELL, BROKEN),
        {},
        EXTENSION_FAILED,
    ),
    (
        snapshot(WELL, replace(BROKEN, agent="Unavailable")),
        {},
        replace(EXTENSION_FAILED, state=PROGRESSING),
    ),
    (
        snapshot(WELL, Vm(extensions=())),
        {},
        Reason(
            "ExtensionNotReady",
            "instance 1, extension cse",
            "not reported",
            "succeeded",
            "instance 1: extension cse not reported, want succeeded (1 of 2 pass, 2 required)",
            "",
            PROGRESSING,
        ),
    ),
    (
        snapshot(Vm(power="deallocated"), WELL),
        {},
        Reason(
            "VmNotRunning",
            "instance 0, power",
            "deallocated",
            "running",
            "instance 0: power deallocated, want running (1 of 2 pass, 2 required)",
            "start the instance, or set power_state='ignored'",
            PROGRESSING,
        ),
    ),
    (
        snapshot(Vm(power=None)),
        {},
        Reason(
            "VmNotRunning",
            "instance 0, power",
            "unknown",
            "running",
            "instance 0: power unknown, want running (0 of 1 pass, 1 required)",
            "",
            PROGRESSING,
        ),
    ),
    (
        snapshot(Vm(health="unhealthy"), Vm(health="unhealthy"), WELL),
        {},
        Reason(
            "ApplicationNotHealthy",
            "instances 0 and 1, application health",
            "unhealthy",
            "healthy",
            "instances 0 and 1: application health unhealthy, want healthy (1 of 3 pass, 3 required)",
            LOOK_AT_THE_APPLICATION,
            PROGRESSING,
        ),
    ),
    (
        snapshot(Vm(health=None)),
        {},
        Reason(
            "ApplicationNotHealthy",
            "instance 0, application health",
            "not reported",
            "healthy",
            "instance 0: application health not reported, want healthy (0 of 1 pass, 1 required)",
            "check that the health extension or probe of the model works on the instance",
            PROGRESSING,
        ),
    ),
    (
        unprobed(snapshot(WELL)),
        {"application_health": "required"},
        Reason(
            "NoHealthSource",
            "application health",
            "no source",
            "healthy",
            "application health is required, but the model has no health extension, probe or external policy",
            "add the Application Health extension to the model, or set application_health='auto'",
        ),
    ),
    (
        snapshot(Vm(latest=False), WELL, upgrade_mode="Manual"),
        {},
        Reason(
            "ModelNotApplied",
            "instance 0, model",
            "an older one",
            "latest",
            "instance 0: model an older one, want latest (1 of 2 pass, 2 required)",
            "the upgrade policy is Manual: apply the model (az vmss update-instances)",
        ),
    ),
    (
        snapshot(Vm(latest=False), WELL),
        {},
        Reason(
            "ModelNotApplied",
            "instance 0, model",
            "an older one",
            "latest",
            "instance 0: model an older one, want latest (1 of 2 pass, 2 required)",
            "",
            PROGRESSING,
        ),
    ),
    (
        of_model(snapshot(Vm(latest=None), WELL), orchestration_mode="Flexible"),
        {},
        Reason(
            "ModelUnknown",
            "instance 0, model",
            "not reported",
            "latest",
            "instance 0: model unknown, because Azure does not say when it was created",
            "",
            HEALTHY,
            ("0",),
        ),
    ),
    (
        snapshot(WELL, Vm(latest=False, protected=True)),
        {},
        Reason(
            "OlderModelAllowed",
            "instance 1, model",
            "an older one",
            "latest",
            "instance 1: on an older model (upgrades leave them out: protection or SkipUpgrade)",
            "",
            HEALTHY,
            ("1",),
        ),
    ),
    (
        of_model(
            snapshot(*(Vm(extensions=(("cse", f"failed/{each // 2}"),)) for each in range(11))),
            extensions=(ExtensionProfile("cse", suppress_failures=True),),
        ),
        {},
        Reason(
            "ExtensionFailureSuppressed",
            "instance 10, extension cse",
            "failed in other ways",
            "succeeded",
            "instance 10: extension cse failed in other ways, ignored: the model sets suppressFailures",
            "",
            HEALTHY,
            ("10",),
        ),
    ),
    (
        replace(snapshot(WELL, WELL), unread=(("1", "HTTP 503"),)),
        {},
        Reason(
            "InstanceViewUnread",
            "instance 1, instance view",
            "unreadable",
            "readable",
            "instance 1: instance view unreadable, want readable (1 of 2 pass, 2 required): HTTP 503",
            "look at the VM in the portal: Azure shows its scale set, but not the instance view of this VM",
            PROGRESSING,
        ),
    ),
    (
        snapshot(Vm(latest=None), WELL),
        {},
        Reason(
            "ModelUnknown",
            "instance 0, model",
            "not reported",
            "latest",
            "instance 0: model not reported, want latest (1 of 2 pass, 2 required)",
            "",
            PROGRESSING,
        ),
    ),
    (
        snapshot(Vm(latest=False), WELL),
        {"stale_instances": "ignore"},
        Reason(
            "OlderModelAllowed",
            "instance 0, model",
            "an older one",
            "latest",
            "instance 0: on an older model (allowed by stale_instances='ignore')",
            "",
            HEALTHY,
        ),
    ),
    (
        snapshot(Vm(power="stopped"), Vm(health="unhealthy"), WELL),
        {"min_healthy": 2},
        Reason(
            "TooFewVmsPassEveryCheck",
            "instances 0 and 1",
            "1",
            "2",
            "1 of 3 VMs pass every check, 2 required; not passing: instance 0 (power stopped), "
            "instance 1 (application health unhealthy)",
            "start the instance, or set power_state='ignored'",
            PROGRESSING,
        ),
    ),
    (
        snapshot(Vm(zone="1"), Vm(zone="2", power="stopped"), zones=("1", "2")),
        {"min_healthy": 1, "min_healthy_per_zone": 1},
        Reason(
            "ZoneNotHealthy",
            "zone 2",
            "0",
            "1",
            "zone 2: 0 of 1 VMs pass every check, 1 required; not passing: instance 1 (power stopped)",
            "start the instance, or set power_state='ignored'",
            PROGRESSING,
        ),
    ),
    (
        snapshot(WELL),
        {"min_healthy_per_zone": 1},
        Reason(
            "NoZones",
            "scale set",
            "no zones",
            "zones",
            "min_healthy_per_zone is set, but the scale set has no zones",
            "set min_healthy_per_zone=None",
        ),
    ),
    (
        of_model(snapshot(WELL, capacity=2), spot_restore=True),
        {},
        Reason(
            "TooFewVms",
            "scale set",
            "1",
            "2",
            "1 VMs exist, the capacity is 2",
            "spot restore is on: Azure tries to bring evicted VMs back",
            PROGRESSING,
        ),
    ),
    (
        of_model(snapshot(WELL, WELL, capacity=1), zone_rebalancing=True),
        {},
        Reason(
            "SurplusVms",
            "scale set",
            "2",
            "1",
            "2 VMs exist, the capacity is 1",
            "zone rebalancing is on: Azure adds VMs before it removes others",
            PROGRESSING,
        ),
    ),
    (
        of_model(upgrading(snapshot(WELL, WELL, capacity=1), "RollingForward"), max_surge=True),
        {},
        Reason(
            "SurgeVms",
            "scale set",
            "2",
            "1",
            "2 VMs exist, the capacity is 1: the rolling upgrade adds VMs while it runs (maxSurge)",
            "",
            PROGRESSING,
        ),
    ),
    (
        upgrading(snapshot(WELL, WELL, capacity=1), "RollingForward"),
        {},
        Reason("SurplusVms", "scale set", "2", "1", "2 VMs exist, the capacity is 1", "", PROGRESSING),
    ),
    (
        of_model(snapshot(WELL, WELL, capacity=1), max_surge=True),
        {},
        Reason("SurplusVms", "scale set", "2", "1", "2 VMs exist, the capacity is 1", "", PROGRESSING),
    ),
    (
        snapshot(WELL, Vm(power="stopped"), capacity=1),
        {"context": SETTLED},
        Reason(
            "SurplusStays",
            "scale set",
            "2",
            "1",
            "2 VMs exist, the capacity is 1: the extra VMs have stayed for 5 minutes, so they only give a warning; "
            "not healthy: instance 1",
            "",
            HEALTHY,
            ("1",),
        ),
    ),
    (
        snapshot(WELL, WELL),
        {"min_healthy": 3},
        Reason(
            "MinHealthyAboveCapacity",
            "scale set",
            "2",
            "3",
            "min_healthy requires 3 VMs, but the capacity is 2",
            "lower min_healthy, or raise the capacity",
        ),
    ),
    (
        with_status(snapshot(WELL), Status("ProvisioningState/succeeded", "Error", message="a disk\nis slow")),
        {},
        Reason(
            "SetStatusLevel",
            "scale set",
            "succeeded",
            "succeeded",
            "the last operation on the set succeeded, but with level Error: a disk is slow",
            "",
            HEALTHY,
        ),
    ),
    (
        of_model(upgrading(snapshot(WELL), "RollingForward"), os_upgrade_deferral=True),
        {},
        Reason(
            "RollingUpgradeRunning",
            "rolling upgrade",
            "RollingForward",
            "Completed",
            "a rolling upgrade is RollingForward (2 upgraded, 3 in progress, 4 pending)",
            "OS upgrades of this set wait for approval (osRollingUpgradeDeferral): approve the upgrade",
            PROGRESSING,
        ),
    ),
    (
        of_model(upgrading(snapshot(WELL), "RollingForward"), lifecycle_hooks=("UpgradeAutoOSScheduling", "Other")),
        {},
        Reason(
            "RollingUpgradeRunning",
            "rolling upgrade",
            "RollingForward",
            "Completed",
            "a rolling upgrade is RollingForward (2 upgraded, 3 in progress, 4 pending)",
            "a lifecycle hook may hold it back until it is approved: UpgradeAutoOSScheduling, Other",
            PROGRESSING,
        ),
    ),
    (
        upgrading(snapshot(Vm(latest=False), WELL), "Faulted", "2026-02-01T00:00:00Z"),
        {},
        Reason(
            "OtherUpgradeFailed",
            "rolling upgrade",
            "Faulted",
            "Completed",
            "the rolling upgrade that Azure or somebody else started ended Faulted "
            "(2 upgraded, 3 in progress, 4 pending, 1 failed): too many",
            "correct the cause of the failure, then start the upgrade again",
            HEALTHY,
        ),
    ),
    (
        of_model(snapshot(WELL, Vm(provisioning="failed/AllocationFailed")), resilient_creation=True),
        {},
        Reason(
            "VmFailed",
            "instance 1, VM",
            "failed/AllocationFailed",
            "succeeded",
            "instance 1: VM failed/AllocationFailed, want succeeded (1 of 2 pass, 2 required)",
            "Azure has no capacity for this VM size here now: try again later, or choose another size or zone; "
            "resilient VM creation is on: Azure may try for 30 minutes",
        ),
    ),
    (
        of_resource(snapshot(WELL, Vm(message="all is well")), "Failed"),
        {},
        Reason(
            "VmFailed",
            "instance 1, VM",
            "failed",
            "succeeded",
            "instance 1: VM failed, want succeeded (1 of 2 pass, 2 required)",
            "look up the failed operation in the scale set's activity log, then repeat it",
        ),
    ),
    (
        of_resource(snapshot(WELL, Vm(provisioning="succeeded/AllocationFailed")), "Failed"),
        {},
        Reason(
            "VmFailed",
            "instance 1, VM",
            "failed",
            "succeeded",
            "instance 1: VM failed, want succeeded (1 of 2 pass, 2 required)",
            "look up the failed operation in the scale set's activity log, then repeat it",
        ),
    ),
    (
        of_resource(snapshot(WELL, WELL), ""),
        {},
        Reason(
            "VmNotProvisioned",
            "instance 1, VM",
            "unknown",
            "succeeded",
            "instance 1: VM unknown, want succeeded (1 of 2 pass, 2 required)",
            "",
            PROGRESSING,
        ),
    ),
    (
        of_model(snapshot(WELL, Vm(provisioning="creating")), resilient_creation=True),
        {},
        Reason(
            "VmNotProvisioned",
            "instance 1, VM",
            "creating",
            "succeeded",
            "instance 1: VM creating, want succeeded (1 of 2 pass, 2 required)",
            "resilient VM creation is on: Azure tries for up to 30 minutes, and may replace the VM",
            PROGRESSING,
        ),
    ),
    (
        of_model(snapshot(WELL, Vm(provisioning="deleting")), resilient_deletion=True),
        {},
        Reason(
            "VmNotProvisioned",
            "instance 1, VM",
            "deleting",
            "succeeded",
            "instance 1: VM deleting, want succeeded (1 of 2 pass, 2 required)",
            "resilient VM deletion is on: Azure tries up to five times",
            PROGRESSING,
        ),
    ),
    *(
        (
            of_model(snapshot(WELL, Vm(provisioning=state)), **resilient),
            {},
            Reason(
                "VmNotProvisioned",
                "instance 1, VM",
                state,
                "succeeded",
                f"instance 1: VM {state}, want succeeded (1 of 2 pass, 2 required)",
                "",
                PROGRESSING,
            ),
        )
        for state, resilient in (("deleting", {"resilient_creation": True}), ("creating", {"resilient_deletion": True}))
    ),
    (
        of_resource(snapshot(WELL, Vm(provisioning="failed/OSProvisioningTimedOut")), "Succeeded"),
        {"ignore_failure_codes": ["OSProvisioningTimedOut"]},
        Reason(
            "VmFailureAllowed",
            "instance 1, VM",
            "failed/OSProvisioningTimedOut",
            "succeeded",
            "instance 1: VM failed/OSProvisioningTimedOut, ignored by ignore_failure_codes",
            "",
            HEALTHY,
            ("1",),
        ),
    ),
    (
        of_resource(snapshot(WELL, Vm(provisioning="failed/OSProvisioningTimedOut")), "Updating"),
        {"ignore_failure_codes": ["OSProvisioningTimedOut"]},
        Reason(
            "VmFailed",
            "instance 1, VM",
            "failed/OSProvisioningTimedOut",
            "succeeded",
            "instance 1: VM failed/OSProvisioningTimedOut, want succeeded (1 of 2 pass, 2 required)",
            "check the boot diagnostics; the VM may still come up, but an image without a VM agent never reports",
        ),
    ),
    (
        with_states(
            snapshot(WELL, Vm(extensions=(("a", "failed"), ("b", "failed"), ("cse", "succeeded")))),
            "failed/VMExtensionProvisioningError",
            "failed/OSProvisioningTimedOut",
        ),
        {"ignore_failure_codes": ["OSProvisioningTimedOut"], "ignore_extensions": ["a", "b"]},
        Reason(
            "VmFailureAllowed",
            "instance 1, VM",
            "failed/VMExtensionProvisioningError",
            "succeeded",
            "instance 1: VM failed/VMExtensionProvisioningError, ignored because extensions a, b are ignored, "
            "by ignore_failure_codes",
            "",
            HEALTHY,
            ("1",),
        ),
    ),
    (
        of_model(snapshot(WELL, BROKEN), extensions=(ExtensionProfile("cse", suppress_failures=True),)),
        {},
        Reason(
            "ExtensionFailureSuppressed",
            "instance 1, extension cse",
            "failed/50",
            "succeeded",
            "instance 1: extension cse failed/50, ignored: the model sets suppressFailures: exit status 50",
            "",
            HEALTHY,
            ("1",),
        ),
    ),
    (
        of_model(
            snapshot(replace(BROKEN, message=None), replace(BROKEN, extensions=(("cse", "failed/51"),), message=None)),
            extensions=(ExtensionProfile("cse", suppress_failures=True),),
        ),
        {},
        Reason(
            "ExtensionFailureSuppressed",
            "instance 1, extension cse",
            "failed/51",
            "succeeded",
            "instance 1: extension cse failed/51, ignored: the model sets suppressFailures",
            "",
            HEALTHY,
            ("1",),
        ),
    ),
    (
        snapshot(WELL, extensions=()),
        {"ignore_extensions": ["logs"]},
        Reason(
            "IgnoredExtensionUnknown",
            "extension logs",
            "not in the model",
            "a known name",
            "ignore_extensions: the model has no extension logs; it has health",
            "",
            HEALTHY,
        ),
    ),
    *(
        (
            of_model(snapshot(Vm(extensions=())), extensions=tuple(map(ExtensionProfile, known))),
            asking(extensions=["logs"]),
            Reason(
                "ExtensionUnknown",
                "extension logs",
                "not in the model",
                "succeeded",
                f"the model has no extension logs; it has {told}",
                "correct the name in extensions, unless something other than the model installs it",
                PROGRESSING,
            ),
        )
        for known, told in (
            ("", "none"),
            ("abcdef", "a, b, c, d, e, f"),
            ("abcdefgh", "a, b, c, d, e, f and 2 more"),
            (["x" * 61], "x" * 59 + "…"),
        )
    ),
    (
        with_states_of(snapshot(WELL, WELL), "cse", "succeeded", "updating"),
        {},
        Reason(
            "ExtensionNotReady",
            "instance 1, extension cse",
            "updating",
            "succeeded",
            "instance 1: extension cse updating, want succeeded (1 of 2 pass, 2 required)",
            "",
            PROGRESSING,
        ),
    ),
    (
        with_states_of(snapshot(WELL, WELL), "cse", ""),
        {},
        Reason(
            "ExtensionNotReady",
            "instance 1, extension cse",
            "unknown",
            "succeeded",
            "instance 1: extension cse unknown, want succeeded (1 of 2 pass, 2 required)",
            "",
            PROGRESSING,
        ),
    ),
    (
        with_states_of(snapshot(WELL, Vm(latest=False)), "CSE"),
        {"stale_instances": "ignore"},
        Reason(
            "ExtensionNotReady",
            "instance 1, extension cse",
            "not reported",
            "succeeded",
            "instance 1: extension cse not reported, want succeeded (1 of 2 pass, 2 required)",
            "",
            PROGRESSING,
        ),
    ),
    (
        snapshot(WELL, Vm(agent="Unavailable")),
        {},
        Reason(
            "VmAgentGone",
            "instance 1, VM agent",
            "unavailable",
            "succeeded",
            "instance 1: VM agent unavailable, want succeeded (1 of 2 pass, 2 required)",
            "check that the VM agent runs and that the VM has outbound network access",
            PROGRESSING,
        ),
    ),
    (
        of_view(snapshot(WELL, WELL), vm_health=Status("HealthState")),
        {},
        Reason(
            "ApplicationNotHealthy",
            "instance 1, application health",
            "unknown",
            "healthy",
            "instance 1: application health unknown, want healthy (1 of 2 pass, 2 required)",
            LOOK_AT_THE_APPLICATION,
            PROGRESSING,
        ),
    ),
    *(
        (
            snapshot(WELL, Vm(power="stopped", health=None)),
            asking(power_state=judged),
            Reason(
                "ApplicationNotHealthy",
                "instance 1, application health",
                "not reported",
                "healthy",
                "instance 1: application health not reported, want healthy (1 of 2 pass, 2 required)",
                hint,
                PROGRESSING,
            ),
        )
        for judged, hint in (
            ("running", ""),
            ("ignored", "the VM does not run, and so reports no health: start it, or set application_health='ignored'"),
        )
    ),
    (
        unprobed(snapshot(Vm(health=None))),
        {},
        Reason(
            "ApplicationHealthNotJudged",
            "application health",
            "no source",
            "a source",
            "application health was not judged: the model has no health extension or probe",
            "",
            HEALTHY,
        ),
    ),
    (
        of_model(snapshot(Vm(latest=False), WELL), os_upgrade_deferral=True),
        {},
        Reason(
            "ModelNotApplied",
            "instance 0, model",
            "an older one",
            "latest",
            "instance 0: model an older one, want latest (1 of 2 pass, 2 required)",
            "OS upgrades of this set wait for approval (osRollingUpgradeDeferral): approve the upgrade",
            PROGRESSING,
        ),
    ),
    (
        snapshot(Vm(zone="1"), Vm(zone="1"), zones=("1", "2")),
        {"min_healthy_per_zone": 1},
        Reason(
            "ZoneNotHealthy",
            "zone 2",
            "0",
            "1",
            "zone 2: 0 of 0 VMs pass every check, 1 required; its share of the capacity is 1",
            "",
        ),
    ),
    (
        snapshot(Vm(zone="1"), Vm("failed/Quota", zone="2", message="no cores"), zones=("1", "2")),
        {"min_healthy": 1, "min_healthy_per_zone": 1},
        Reason(
            "ZoneNotHealthy",
            "zone 2",
            "0",
            "1",
            "zone 2: 0 of 1 VMs pass every check, 1 required; not passing: instance 1 (VM failed/Quota: no cores)",
            "request more quota in this region, or use fewer cores",
        ),
    ),
]


@pytest.mark.parametrize(("seen", "policy", "reason"), CASES, ids=[f"{each[2].code}-{each[2].have}" for each in CASES])
def test_a_reason_is_told_whole(seen: Snapshot, policy: dict[str, object], reason: Reason) -> None:
    asked = {name: value for name, value in policy.items() if name != "context"}
    context = policy.get("context", PASSED)
    assert isinstance(context, Context)
    reasons = evaluate(seen, GatePolicy(**asked), context).reasons  # type: ignore[arg-type]
    assert reason in reasons
    assert not reason.instances or reason.instances in [each.instances for each in reasons if each == reason]


def test_every_check_without_its_evidence_is_named() -> None:
    lacking = replace(snapshot(WELL, zones=("1",)), instances=None, scale_set=None)
    verdict = evaluate(lacking, GatePolicy(min_healthy_per_zone=1))
    assert verdict.unjudged == (
        "VMs",
        "extension cse",
        "extension health",
        "power",
        "application health",
        "latest model",
        "extensions of the model",
        "zones",
        "capacity",
    )


def test_a_look_at_the_view_alone_leaves_what_only_instances_tell_unjudged() -> None:
    assert evaluate(of_the_view(snapshot(WELL)), GatePolicy()).unjudged == (
        "power",
        "application health",
        "latest model",
    )


def test_application_health_that_is_required_is_judged_as_by_default() -> None:
    ill = snapshot(WELL, Vm(health="unhealthy"))
    required = evaluate(ill, GatePolicy(application_health="required"))
    assert required == evaluate(ill, GatePolicy())
    assert required.state is State.PROGRESSING


def test_a_view_whose_codes_say_nothing_is_described_as_unknown() -> None:
    empty = InstanceView(statuses=(Status("ProvisioningState/succeeded"),))
    view = replace(empty, virtual_machine=replace(empty.virtual_machine, statuses_summary=(StatusCount(None, 2),)))
    reasons = evaluate(Snapshot(view), GatePolicy(capacity=2)).reasons
    assert [each.message for each in reasons] == ["VMs: 0 of 2 succeeded, 2 required (2 unknown)"]


@pytest.mark.parametrize("at", [0, 1])
@pytest.mark.parametrize(
    ("worse", "code"), [("creating", "TooFewExtensionsSucceeded"), ("failed", "TooManyExtensionsFailed")]
)
def test_of_two_counts_of_one_extension_the_worse_counts(at: int, worse: str, code: str) -> None:
    seen = of_the_view(snapshot(WELL, WELL))
    counts = [
        ExtensionSummary("cse", tuple(StatusCount(f"ProvisioningState/{state}", 1) for state in ("succeeded", other)))
        for other in ("creating" if worse == "failed" else "succeeded", worse)
    ]
    twice = (counts[at], counts[1 - at], *seen.view.extensions[1:])
    verdict = evaluate(replace(seen, view=replace(seen.view, extensions=twice)), GatePolicy())
    assert [(each.code, each.have) for each in verdict.reasons] == [(code, "1")]


def test_what_two_guests_say_differently_is_told_twice() -> None:
    one, other = (replace(BROKEN, message=said) for said in ("no disk", "no network"))
    reasons = evaluate(snapshot(WELL, one, other), GatePolicy()).reasons
    assert [each.subject for each in reasons] == ["instance 1, extension cse", "instance 2, extension cse"]


def test_a_cause_that_waiting_does_not_mend_comes_before_one_of_more_instances() -> None:
    creating = Vm(provisioning="creating")
    reasons = evaluate(snapshot(WELL, creating, creating, Vm(provisioning="failed")), GatePolicy(min_healthy=2)).reasons
    assert [(each.code, each.state) for each in reasons][:2] == [
        ("VmFailed", PROGRESSING),
        ("VmNotProvisioned", PROGRESSING),
    ]


def test_failures_that_the_model_suppresses_are_counted_as_successes_also_where_the_view_is_all_there_is() -> None:
    suppressed = of_model(snapshot(BROKEN, BROKEN), extensions=(ExtensionProfile("CSE", suppress_failures=True),))
    verdict = evaluate(of_the_view(suppressed), GatePolicy(application_health="ignored"))
    assert (verdict.state, verdict.reasons) == (HEALTHY, ())


CODES = re.compile(r'(?:Reason|Ailment|warning)\(\s*"(\w+)"')


def test_each_code_that_a_check_gives_is_among_these_reasons() -> None:
    judging = Path(verdict_module.__file__).parent
    given = {code for file in judging.glob("*.py") for code in CODES.findall(file.read_text())}
    assert len(given) > 25
    assert given <= {reason.code for _, _, reason in CASES}
