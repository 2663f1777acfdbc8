"""Every reason, whole: what programs match and what people read."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.sets import HEALTH_EXTENSION, Vm, snapshot

from pulumi_vmss_health import (
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
        snapshot(WELL, status="failed/Quota"),
        {},
        Reason(
            "SetOperationOutlived",
            "scale set",
            "failed/Quota",
            "succeeded",
            "the last operation on the set ended failed/Quota; all instances are healthy, so this failure is ignored",
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
            "1 of 3 VMs pass every check, 2 required; not passing: instances 0 and 1",
            "",
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
            "zone 2: 0 of 1 VMs pass every check, 1 required",
            "",
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
]


@pytest.mark.parametrize(("seen", "policy", "reason"), CASES, ids=[f"{each[2].code}-{each[2].have}" for each in CASES])
def test_a_reason_is_told_whole(seen: Snapshot, policy: dict[str, object], reason: Reason) -> None:
    asked = {name: value for name, value in policy.items() if name != "context"}
    context = policy.get("context", PASSED)
    assert isinstance(context, Context)
    assert reason in evaluate(seen, GatePolicy(**asked), context).reasons  # type: ignore[arg-type]


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
