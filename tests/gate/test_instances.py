"""What one instance tells of itself in two places, how instances are named, and how they count together."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone

import pytest
from tests.sets import Vm, snapshot

from pulumi_vmss_health import GatePolicy, Instance, Snapshot, State, Status, Verdict, evaluate
from pulumi_vmss_health.judging.findings import name_instances
from pulumi_vmss_health.judging.snapshot import Context

WELL = Vm()
FAILED = Vm(provisioning="failed")


def judge(seen: Snapshot, **policy: object) -> Verdict:
    return evaluate(seen, GatePolicy(**policy))  # type: ignore[arg-type]


def with_last(seen: Snapshot, **changes: object) -> Snapshot:
    """The last instance, otherwise; the view counts it as before."""
    assert seen.instances is not None
    return replace(seen, instances=(*seen.instances[:-1], replace(seen.instances[-1], **changes)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("resource", "view", "code", "have"),
    [
        ("Failed", "succeeded", "VmFailed", "failed"),
        ("Succeeded", "failed/X", "VmFailed", "failed/X"),
        ("Updating", "succeeded", "VmNotProvisioned", "updating"),
        ("Succeeded", "creating", "VmNotProvisioned", "creating"),
    ],
)
def test_a_vm_is_provisioned_where_its_resource_and_its_view_both_say_so(
    resource: str, view: str, code: str, have: str
) -> None:
    seen = with_last(snapshot(WELL, Vm(provisioning=view)), provisioning_state=resource)
    reasons = judge(seen).reasons
    assert [(each.have, each.subject) for each in reasons if each.code == code] == [(have, "instance 1, VM")]


def test_an_instance_without_a_view_passes_no_check_that_needs_it() -> None:
    seen = with_last(snapshot(WELL, WELL), view=None)
    assert {each.code for each in judge(seen).reasons} == {
        "ExtensionNotReady",
        "VmNotRunning",
        "ApplicationNotHealthy",
    }


def test_what_the_health_probe_says_is_told() -> None:
    seen = snapshot(WELL, Vm(health="unhealthy"))
    assert seen.instances is not None
    view = seen.instances[1].view
    assert view is not None
    said = replace(view, vm_health=Status("HealthState/unhealthy", message="HTTP 500\nfrom /healthz"))
    assert judge(with_last(seen, view=said)).reasons[0].message.endswith(": HTTP 500 from /healthz")


@pytest.mark.parametrize(("least", "state"), [(3, State.PROGRESSING), (4, State.FAILING)])
def test_a_failure_is_final_only_where_the_others_are_too_few(least: int, state: State) -> None:
    verdict = judge(snapshot(WELL, WELL, Vm(provisioning="creating"), FAILED), min_healthy=least)
    assert verdict.state is state
    states = {each.code: each.state for each in verdict.reasons}
    assert states["VmFailed"] is state
    assert states["VmNotProvisioned"] is State.PROGRESSING


def test_the_final_cause_comes_first_then_the_one_of_most_instances() -> None:
    creating, updating = Vm(provisioning="creating"), Vm(provisioning="updating")
    verdict = judge(snapshot(updating, creating, creating, FAILED))
    assert [each.subject for each in verdict.reasons] == ["instance 3, VM", "instances 1 and 2, VM", "instance 0, VM"]


def instances(number: int, zone: str | None = None) -> list[Instance]:
    return list(snapshot(*[Vm(zone=zone)] * number).instances or ())


@pytest.mark.parametrize(
    ("number", "zone", "name"),
    [
        (0, None, "no instance"),
        (1, None, "instance 0"),
        (1, "2", "instance 0"),
        (2, None, "instances 0 and 1"),
        (3, "2", "instances 0, 1 and 2 in zone 2"),
        (5, None, "instances 0, 1, 2, 3 and 4"),
        (6, None, "instances 0, 1, 2, 3, 4 and 1 more"),
        (16, "1", "instances 0, 1, 2, 3, 4 and 11 more in zone 1"),
    ],
)
def test_instances_are_named_before_they_are_counted(number: int, zone: str | None, name: str) -> None:
    assert name_instances(instances(number, zone)) == name


def test_instances_of_several_zones_are_named_without_one() -> None:
    assert name_instances([*instances(1, "1"), *instances(1, "2")]) == "instances 0 and 0"


FAILED_EXTENSION = Vm(extensions=(("cse", "failed/1"),))


@pytest.mark.parametrize("failed", [FAILED, FAILED_EXTENSION], ids=["VM", "extension"])
@pytest.mark.parametrize(
    ("otherwise", "upgrade_mode", "policy", "state"),
    [
        ({}, "Automatic", {}, State.FAILING),
        ({"latest": False}, "Automatic", {}, State.PROGRESSING),
        ({"latest": False}, "Rolling", {}, State.PROGRESSING),
        ({"latest": False}, "Manual", {"stale_instances": "ignore"}, State.FAILING),
        ({"latest": False}, "Manual", {"stale_instances": "wait"}, State.PROGRESSING),
        ({"latest": False, "protected": True}, "Rolling", {}, State.FAILING),
        ({"latest": False, "skips": True}, "Rolling", {}, State.FAILING),
    ],
)
def test_what_failed_under_an_older_model_is_final_only_where_nobody_will_replace_that(
    failed: Vm, otherwise: dict[str, object], upgrade_mode: str, policy: dict[str, object], state: State
) -> None:
    seen = snapshot(WELL, replace(failed, **otherwise), upgrade_mode=upgrade_mode)  # type: ignore[arg-type]
    assert judge(seen, **policy).state is state


@pytest.mark.parametrize(
    ("agent", "state"), [("succeeded", State.FAILING), ("ready", State.FAILING), ("NotReady", State.PROGRESSING)]
)
def test_the_failure_of_an_extension_is_final_where_the_agent_that_tells_it_runs(agent: str, state: State) -> None:
    assert judge(snapshot(WELL, replace(FAILED_EXTENSION, agent=agent))).state is state


@pytest.mark.parametrize("unplaced", [Vm(), Vm(provisioning="creating", health=None, extensions=())])
def test_a_vm_whose_zone_azure_does_not_tell_may_be_the_one_that_a_zone_lacks(unplaced: Vm) -> None:
    seen = snapshot(Vm(zone="1"), unplaced, zones=("1", "2"))
    verdict = judge(seen, min_healthy_per_zone=1)
    assert (verdict.state, verdict.passes) == (State.PROGRESSING, False)
    assert [each.state for each in verdict.reasons if each.subject == "zone 2"] == [State.PROGRESSING]


SLOW = Vm(health="initializing")


def of_operation(seen: Snapshot, code: str, time: str | None = None) -> Snapshot:
    """The set after an operation that ended so."""
    return replace(seen, view=replace(seen.view, statuses=(Status(f"ProvisioningState/{code}", time=time),)))


@pytest.mark.parametrize(
    ("failed", "code", "policy"),
    [
        (Vm(extensions=(("cse", "failed/1"),), agent="NotReady"), "failed/VMExtensionProvisioningError", {}),
        (replace(FAILED_EXTENSION, latest=False), "failed/VMExtensionProvisioningError", {}),
        (
            Vm("failed/VMExtensionProvisioningError", extensions=(("cse", "failed/1"),)),
            "failed/VMExtensionProvisioningError",
            {"ignore_extensions": ["cse"]},
        ),
        (
            Vm("failed/OSProvisioningTimedOut"),
            "failed/OSProvisioningTimedOut",
            {"ignore_failure_codes": ["osprovisioningtimedout"]},
        ),
        (Vm("failed/OSProvisioningTimedOut"), "failed/OSProvisioningTimedOut", {"min_healthy": "50%"}),
        (
            Vm(extensions=(("cse", "failed/1"),)),
            "failed/VMExtensionProvisioningError",
            {"ignore_extensions": ["cse"]},
        ),
        (FAILED, "failed/OSProvisioningClientError", {"min_healthy": "50%"}),
        (FAILED_EXTENSION, "failed/VMExtensionHandlerNonTransientError", {"min_healthy": "50%"}),
        (
            Vm("failed/VMExtensionHandlerNonTransientError", extensions=(("cse", "failed/1"),)),
            "failed/VMExtensionProvisioningError",
            {"min_healthy": "50%"},
        ),
    ],
)
def test_a_failed_operation_that_repeats_what_is_not_final_or_does_not_count_is_not_final_either(
    failed: Vm, code: str, policy: dict[str, object]
) -> None:
    """The state of a Flexible set has no more than the word `failed`."""
    seen = snapshot(SLOW, failed)
    for repeated in (code, "failed"):
        assert judge(of_operation(seen, repeated), **policy).state is State.PROGRESSING
    if failed is not FAILED:  # which does not say of what it failed
        assert judge(of_operation(seen, "failed/AllocationFailed"), **policy).state is State.FAILING


def test_a_failed_operation_is_final_where_no_vm_tells_of_a_failure() -> None:
    for code in ("failed", "failed/VMExtensionProvisioningError"):
        assert judge(of_operation(snapshot(SLOW, WELL), code)).state is State.FAILING


@pytest.mark.parametrize("code", ["failed", "failed/VMExtensionProvisioningError"])
def test_a_failed_operation_is_not_told_beside_the_extension_that_failed(code: str) -> None:
    alone = judge(of_operation(snapshot(WELL, FAILED_EXTENSION), code))
    assert [each.code for each in alone.reasons] == ["ExtensionFailed"]
    beside = judge(of_operation(snapshot(FAILED, FAILED_EXTENSION), "failed"))
    assert "SetOperationFailed" in [each.code for each in beside.reasons]


def test_a_failed_operation_is_final_where_the_vm_that_it_repeats_is() -> None:
    seen = of_operation(snapshot(SLOW, Vm("failed/OSProvisioningTimedOut")), "failed/OSProvisioningTimedOut")
    assert judge(seen).state is State.FAILING
    assert judge(seen, min_healthy="50%", set_status="required").state is State.FAILING


TIMED_OUT = "failed/VMExtensionProvisioningTimeout"


@pytest.mark.parametrize(
    ("extensions", "state"),
    [
        ((("cse", "succeeded"), ("logs", "transitioning")), State.HEALTHY),
        ((("cse", "succeeded"),), State.HEALTHY),
        ((("logs", "transitioning"),), State.FAILING),
        ((("cse", "transitioning"), ("logs", "transitioning")), State.FAILING),
        ((("cse", "transitioning"), ("logs", "succeeded")), State.FAILING),
        ((("cse", "succeeded"), ("logs", "succeeded")), State.FAILING),
    ],
)
def test_a_vm_that_waited_too_long_for_an_ignored_extension_alone_is_provisioned(
    extensions: tuple[tuple[str, str], ...], state: State
) -> None:
    seen = snapshot(WELL, Vm(TIMED_OUT, extensions=extensions), extensions=("cse", "logs"))
    verdict = judge(seen, ignore_extensions=["logs"])
    assert verdict.state is state
    told = "instance 1: VM failed/VMExtensionProvisioningTimeout, ignored because extension logs is ignored"
    assert (told in [each.message for each in verdict.reasons]) is (state is State.HEALTHY)


@pytest.mark.parametrize(
    ("time", "state"),
    [
        ("2026-01-01T00:00:00+00:00", State.PROGRESSING),
        ("2026-05-01T11:58:00+00:00", State.FAILING),  # the clocks of two machines differ
        ("2026-05-01T13:00:00+00:00", State.FAILING),
        (None, State.FAILING),
    ],
)
def test_a_failed_operation_of_before_the_last_pass_is_not_this_deployments(time: str | None, state: State) -> None:
    passed = Context(since=datetime(2026, 5, 1, 12, tzinfo=timezone.utc))
    seen = of_operation(snapshot(WELL, SLOW), "failed/AllocationFailed", time)
    assert evaluate(seen, GatePolicy(), passed).state is state
    assert evaluate(seen, GatePolicy(set_status="required"), passed).state is State.FAILING
    assert evaluate(seen, GatePolicy()).state is State.FAILING


@pytest.mark.parametrize(("causes", "told"), [(3, "power p3)"), (4, "power p3), 1 more cause"), (5, "2 more causes")])
def test_three_causes_of_a_zone_are_told_and_the_others_counted(causes: int, told: str) -> None:
    ill = [Vm(zone="1", power=f"p{number}") for number in range(1, causes + 1)]
    (reason,) = judge(snapshot(*ill, zones=("1",)), min_healthy=1, min_healthy_per_zone="100%").reasons[-1:]
    assert reason.code == "ZoneNotHealthy"
    assert reason.message.endswith(told)
