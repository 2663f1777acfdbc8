from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sets import Vm, snapshot

from pulumi_vmss_health import (
    GatePolicy,
    InstanceView,
    RollingUpgrade,
    Snapshot,
    State,
    Verdict,
    evaluate,
)
from pulumi_vmss_health.judging.snapshot import Context
from vmss_instance_view.model import parse_time

WELL = Vm()


# Where nothing else is said the gate last passed between NEW and OLD.
PASSED = Context(since=parse_time("2026-03-01T00:00:00Z"))
SETTLED = Context(surplus_settled=True)


def judge(seen: Snapshot, context: Context | None = None, **policy: object) -> Verdict:
    return evaluate(seen, GatePolicy(**policy), context or PASSED)  # type: ignore[arg-type]


def codes(verdict: Verdict) -> list[str]:
    return [reason.code for reason in verdict.reasons]


@pytest.mark.parametrize(
    ("seen", "policy", "words"),
    [
        (InstanceView(), GatePolicy(), "snapshot must be a Snapshot, such as Snapshot(view), not InstanceView"),
        (snapshot(WELL), {"min_healthy": 1}, "policy must be a GatePolicy, such as GatePolicy(min_healthy='90%'), not"),
    ],
)
def test_what_is_no_snapshot_and_no_policy_is_refused_by_name(seen: Any, policy: Any, words: str) -> None:
    with pytest.raises(TypeError) as refused:
        evaluate(seen, policy)
    assert str(refused.value).startswith(words)


def test_a_set_whose_every_instance_passes_every_check_is_healthy() -> None:
    assert judge(snapshot(WELL, WELL, WELL)) == Verdict(State.HEALTHY)


def test_an_instance_that_is_still_created_is_progress() -> None:
    verdict = judge(snapshot(WELL, Vm(provisioning="creating", health=None, extensions=())))
    assert verdict.state is State.PROGRESSING
    assert "VmNotProvisioned" in codes(verdict)


def test_a_failed_vm_that_is_needed_fails_and_names_the_instance_the_code_and_the_message() -> None:
    verdict = judge(snapshot(WELL, Vm(provisioning="failed/OSProvisioningTimedOut", message="no signal\nfrom it")))
    assert verdict.state is State.FAILING
    first = verdict.reasons[0]
    assert (first.code, first.subject, first.want) == ("VmFailed", "instance 1, VM", "succeeded")
    assert "OSProvisioningTimedOut" in first.message
    assert "no signal from it" in first.message
    assert first.hint


def test_a_failed_vm_that_is_not_needed_is_no_reason() -> None:
    assert judge(snapshot(WELL, WELL, Vm(provisioning="failed")), min_healthy=2).state is State.HEALTHY


def test_a_failed_extension_fails_with_the_guests_message() -> None:
    bad = Vm(extensions=(("cse", "failed/50"),), message="command terminated with exit status=50")
    verdict = judge(snapshot(WELL, bad, WELL))
    assert verdict.state is State.FAILING
    assert verdict.reasons[0].subject == "instance 1, extension cse"
    assert "exit status=50" in verdict.reasons[0].message
    assert "2 of 3 pass, 3 required" in verdict.reasons[0].message


def test_what_a_percentage_requires_is_said_as_a_number_and_as_the_percentage() -> None:
    seen = snapshot(WELL, WELL, Vm(provisioning="failed"))
    (vm, *_) = judge(seen, min_healthy="90%").reasons
    (count, *_) = judge(seen, min_healthy=3).reasons
    assert "(2 of 3 pass, 3 (90%) required)" in vm.message
    assert "(2 of 3 pass, 3 required)" in count.message


def test_an_extension_of_the_model_that_no_vm_reports_is_still_to_come() -> None:
    verdict = judge(snapshot(Vm(extensions=()), Vm(extensions=())))
    assert verdict.state is State.PROGRESSING
    assert codes(verdict) == ["ExtensionNotReady"]


def test_extensions_that_the_policy_does_not_name_do_not_matter() -> None:
    seen = snapshot(Vm(extensions=(("cse", "succeeded"), ("other", "failed"))), extensions=("cse", "other"))
    assert judge(seen).state is State.FAILING
    assert judge(seen, extensions=["cse"]).state is State.HEALTHY
    assert judge(seen, ignore_extensions=["OTHER"]).state is State.HEALTHY


def test_extension_names_are_compared_without_case() -> None:
    assert judge(snapshot(Vm()), extensions=["CSE"]).state is State.HEALTHY


@pytest.mark.parametrize("power", ["starting", "stopped", "deallocated", "unknown", None])
def test_a_vm_that_does_not_run_is_not_healthy_though_its_provisioning_succeeded(power: str | None) -> None:
    verdict = judge(snapshot(WELL, Vm(power=power)))
    assert verdict.state is State.PROGRESSING
    assert codes(verdict) == ["VmNotRunning"]
    assert judge(snapshot(WELL, Vm(power=power)), power_state="ignored").state is State.HEALTHY


@pytest.mark.parametrize("health", ["unhealthy", "initializing", "unknown", None])
def test_application_health_can_recover_so_it_never_fails(health: str | None) -> None:
    verdict = judge(snapshot(WELL, Vm(health=health)))
    assert verdict.state is State.PROGRESSING
    assert codes(verdict) == ["ApplicationNotHealthy"]
    assert "instance 1" in verdict.reasons[0].message


def test_application_health_counts_where_the_model_has_a_source_of_it_or_the_policy_requires_it() -> None:
    without = snapshot(Vm(health=None), health=False)
    assert judge(without).state is State.HEALTHY
    required = judge(without, application_health="required")
    assert (required.state, codes(required)) == (State.FAILING, ["NoHealthSource"])
    assert judge(snapshot(Vm(health="unhealthy")), application_health="ignored").state is State.HEALTHY


def test_a_load_balancer_probe_is_a_source_of_application_health() -> None:
    seen = snapshot(Vm(health=None), health=False)
    assert seen.scale_set is not None
    probed = replace(seen, scale_set=replace(seen.scale_set, health_probe="/subscriptions/s/probes/p"))
    assert judge(probed).state is State.PROGRESSING


def test_three_checks_passing_on_different_thirds_are_not_health() -> None:
    thirds = (
        Vm(power="stopped"),
        Vm(health="unhealthy"),
        Vm(extensions=(("cse", "creating"),)),
    )
    verdict = judge(snapshot(*thirds), min_healthy=2)
    assert verdict.state is State.PROGRESSING
    assert codes(verdict) == ["TooFewVmsPassEveryCheck"]
    assert verdict.reasons[0].have == "0"


@pytest.mark.parametrize("seen", [0, 2])
def test_fewer_vms_than_the_capacity_are_not_health(seen: int) -> None:
    verdict = judge(snapshot(*[WELL] * seen, capacity=3), min_healthy=1)
    assert verdict.state is State.PROGRESSING
    assert "TooFewVms" in codes(verdict)


def test_more_vms_than_the_capacity_are_progress() -> None:
    verdict = judge(snapshot(WELL, WELL, WELL, capacity=2))
    assert (verdict.state, codes(verdict)) == (State.PROGRESSING, ["SurplusVms"])


def test_a_list_that_misses_an_instance_is_not_health_though_the_view_counts_it() -> None:
    seen = snapshot(WELL, WELL, WELL)
    assert seen.instances is not None
    assert judge(replace(seen, instances=seen.instances[:2]), min_healthy=1).state is State.PROGRESSING


def test_the_view_and_the_instances_must_agree_for_health() -> None:
    good, bad = snapshot(WELL, WELL), snapshot(WELL, Vm(provisioning="failed"))
    assert judge(replace(good, view=bad.view)).state is State.PROGRESSING
    assert judge(replace(bad, view=good.view)).state is State.FAILING


def test_capacity_zero_is_healthy_with_a_warning_that_nothing_was_judged() -> None:
    verdict = judge(snapshot(capacity=0))
    assert verdict.state is State.HEALTHY
    assert codes(verdict) == ["NothingToJudge"]


def test_a_count_of_one_forbids_the_empty_set() -> None:
    assert judge(snapshot(capacity=0), min_healthy=1).state is State.FAILING


def test_a_set_without_a_capacity_anywhere_is_unjudged() -> None:
    seen = snapshot(WELL)
    assert seen.scale_set is not None
    verdict = judge(replace(seen, scale_set=replace(seen.scale_set, capacity=None)))
    assert "capacity" in verdict.unjudged


def test_the_policys_capacity_wins_over_the_models() -> None:
    assert judge(snapshot(WELL, WELL), capacity=3).state is State.PROGRESSING


def test_a_failed_operation_that_all_instances_have_outlived_is_a_warning() -> None:
    seen = snapshot(WELL, WELL, status="failed/VMExtensionProvisioningError")
    verdict = judge(seen)
    assert (verdict.state, codes(verdict)) == (State.HEALTHY, ["SetOperationOutlived"])
    assert judge(seen, set_status="required").state is State.FAILING
    assert judge(seen, set_status="ignored") == Verdict(State.HEALTHY)


def test_a_failed_operation_that_enough_instances_have_outlived_names_those_that_have_not() -> None:
    failed = Vm(provisioning="failed/AllocationFailed")
    verdict = judge(snapshot(*[WELL] * 9, failed, status="failed/AllocationFailed"), min_healthy="90%")
    assert (verdict.state, codes(verdict)) == (State.HEALTHY, ["SetOperationOutlived"])
    assert "all instances" not in verdict.reasons[0].message
    assert "not healthy: instance 9" in verdict.reasons[0].message
    assert verdict.reasons[0].instances == ("9",)


def test_a_failed_operation_fails_the_set_where_the_instances_were_not_judged_or_not_all_well() -> None:
    seen = snapshot(WELL, WELL, status="failed")
    assert judge(replace(seen, instances=None), application_health="ignored").state is State.FAILING
    assert judge(snapshot(WELL, Vm(health="unhealthy"), status="failed")).state is State.FAILING
    assert judge(snapshot(capacity=0, status="failed")).state is State.FAILING


@pytest.mark.parametrize("status", ["creating", "updating", "something new", None])
def test_an_operation_that_runs_or_says_nothing_is_progress(status: str | None) -> None:
    assert judge(snapshot(WELL, status=status)).state is State.PROGRESSING


def test_what_the_view_alone_cannot_tell_is_unjudged() -> None:
    view_alone = Snapshot(snapshot(WELL).view)
    verdict = judge(view_alone, capacity=1)
    assert verdict.state is State.HEALTHY
    assert set(verdict.unjudged) == {"extensions of the model", "power", "application health", "latest model"}


def test_instances_without_their_views_do_not_pass() -> None:
    seen = snapshot(WELL)
    assert seen.instances is not None
    blind = replace(seen, instances=(replace(seen.instances[0], view=None),))
    assert judge(blind).state is State.PROGRESSING


def test_instances_that_suffer_alike_are_told_of_together() -> None:
    verdict = judge(snapshot(*[Vm(health="unhealthy")] * 8))
    assert len(verdict.reasons) == 1
    assert verdict.reasons[0].subject == "instances 0, 1, 2, 3, 4 and 3 more, application health"


def test_under_a_manual_policy_a_model_that_nobody_applied_fails_and_says_how_to_apply_it() -> None:
    verdict = judge(snapshot(WELL, Vm(latest=False), upgrade_mode="Manual"))
    assert (verdict.state, codes(verdict)) == (State.FAILING, ["ModelNotApplied"])
    assert "az vmss update-instances" in verdict.reasons[0].hint
    assert "1 of 2 pass" in verdict.reasons[0].message


@pytest.mark.parametrize("mode", ["Automatic", "Rolling"])
def test_where_azure_applies_the_model_a_stale_instance_is_progress(mode: str) -> None:
    assert judge(snapshot(WELL, Vm(latest=False), upgrade_mode=mode)).state is State.PROGRESSING


@pytest.mark.parametrize(
    ("stale_instances", "state"),
    [("fail", State.FAILING), ("wait", State.PROGRESSING), ("ignore", State.HEALTHY)],
)
def test_the_policy_decides_what_a_stale_instance_means(stale_instances: str, state: State) -> None:
    for mode in ("Manual", "Automatic"):
        seen = snapshot(WELL, Vm(latest=False), upgrade_mode=mode)
        assert judge(seen, stale_instances=stale_instances).state is state


def test_a_stale_instance_that_the_policy_ignores_is_named_in_a_warning() -> None:
    seen = snapshot(WELL, Vm(latest=False, extensions=()), upgrade_mode="Manual")
    verdict = judge(seen, stale_instances="ignore", ignore_extensions=["health"])
    assert (verdict.state, codes(verdict)) == (State.HEALTHY, ["OlderModelAllowed"])
    assert "instance 1" in verdict.reasons[0].message


def test_an_instance_that_is_protected_from_changes_is_left_out_and_named() -> None:
    verdict = judge(snapshot(WELL, Vm(latest=False, protected=True), upgrade_mode="Manual"))
    assert (verdict.state, codes(verdict)) == (State.HEALTHY, ["OlderModelAllowed"])


def test_a_failed_extension_of_the_previous_model_is_not_final_while_an_upgrade_applies_the_new_one() -> None:
    stale = Vm(latest=False, extensions=(("cse", "failed/50"),))
    assert judge(snapshot(WELL, stale, upgrade_mode="Automatic")).state is State.PROGRESSING
    assert judge(snapshot(WELL, replace(stale, latest=True), upgrade_mode="Automatic")).state is State.FAILING


def test_a_failed_extension_is_not_final_while_the_agent_that_reports_it_is_unavailable() -> None:
    gone = Vm(extensions=(("cse", "failed/50"),), agent="Unavailable")
    assert judge(snapshot(WELL, gone)).state is State.PROGRESSING


ZONED = [Vm(zone="1"), Vm(zone="1"), Vm(zone="2"), Vm(zone="2")]


@pytest.mark.parametrize(
    ("fourth", "least", "state"),
    [
        (Vm(zone="2"), "100%", State.HEALTHY),
        (Vm(zone="2", power="stopped"), "50%", State.HEALTHY),
        (Vm(zone="2", power="stopped"), "100%", State.PROGRESSING),
        (Vm(zone="2", provisioning="failed"), "100%", State.FAILING),
        (Vm(zone="2", power="stopped"), 1, State.HEALTHY),
        (Vm(zone="1"), 2, State.FAILING),
    ],
)
def test_each_zone_needs_its_share(fourth: Vm, least: int | str, state: State) -> None:
    seen = snapshot(*ZONED[:3], fourth, zones=("1", "2"))
    assert judge(seen, min_healthy=1, min_healthy_per_zone=least).state is state


def test_a_zone_that_lost_all_of_its_vms_does_not_hide_behind_the_others() -> None:
    seen = snapshot(*[Vm(zone="1")] * 4, zones=("1", "2"))
    verdict = judge(seen, min_healthy_per_zone="1%")
    assert (verdict.state, verdict.reasons[0].subject) == (State.FAILING, "zone 2")


@pytest.mark.parametrize(
    ("second", "state"), [(Vm(zone="2"), State.PROGRESSING), (Vm(zone="2", provisioning="failed"), State.FAILING)]
)
def test_a_zone_can_still_be_served_by_vms_that_are_to_come(second: Vm, state: State) -> None:
    seen = snapshot(Vm(zone="1"), Vm(zone="1"), second, capacity=4, zones=("1", "2"))
    verdict = judge(seen, min_healthy=1, min_healthy_per_zone="100%")
    assert [(reason.state, reason.have, reason.want) for reason in verdict.reasons if reason.subject == "zone 2"] == [
        (state, "0" if state is State.FAILING else "1", "2")
    ]


@pytest.mark.parametrize(
    ("second", "least", "state"),
    [
        (Vm(zone="1"), 1, State.PROGRESSING),
        (Vm(zone="2", power="stopped"), 1, State.PROGRESSING),
        (Vm(zone="2", provisioning="failed"), 1, State.FAILING),
        (Vm(zone="1"), 2, State.FAILING),
    ],
)
def test_a_zone_without_vms_can_still_be_served_where_azure_rebalances_zones_but_only_with_its_share(
    second: Vm, least: int, state: State
) -> None:
    seen = snapshot(Vm(zone="1"), second, zones=("1", "2"))
    assert seen.scale_set is not None
    rebalanced = replace(seen, scale_set=replace(seen.scale_set, zone_rebalancing=True))
    verdict = judge(rebalanced, min_healthy=1, min_healthy_per_zone=least)
    reason = next(each for each in verdict.reasons if each.subject == "zone 2")
    assert (verdict.state, reason.state) == (state, state)
    assert ("zone rebalancing is on" in reason.hint) is (second.zone == "1" and least == 1)


def test_a_zone_without_a_share_needs_no_vm_for_a_percentage() -> None:
    seen = snapshot(Vm(zone="1"), zones=("1", "2"))
    assert judge(seen, min_healthy_per_zone="100%").state is State.HEALTHY
    assert judge(seen, min_healthy_per_zone=1).state is State.FAILING


@pytest.mark.parametrize(
    ("mode", "stale_instances", "state"),
    [
        ("Manual", "auto", State.HEALTHY),
        ("Manual", "fail", State.FAILING),
        ("Manual", "wait", State.PROGRESSING),
        ("Automatic", "auto", State.PROGRESSING),
        ("Rolling", "auto", State.PROGRESSING),
    ],
)
def test_before_a_gate_ever_passed_only_a_manual_policy_excuses_stale_instances(
    mode: str, stale_instances: Any, state: State
) -> None:
    policy, first = GatePolicy(stale_instances=stale_instances), Context(before_first_pass=True)
    verdict = evaluate(snapshot(WELL, Vm(latest=False), upgrade_mode=mode), policy, first)
    assert verdict.state is state
    unknown = replace(snapshot(WELL, Vm(latest=False), upgrade_mode=mode), scale_set=None)
    assert not evaluate(unknown, policy, first).passes


def test_zones_are_unjudged_where_nobody_looked_at_the_instances() -> None:
    seen = replace(snapshot(Vm(zone="1"), zones=("1",)), instances=None)
    assert "zones" in judge(seen, min_healthy_per_zone=1).unjudged


def test_a_failed_upgrade_of_ours_fails_where_nobody_looked_at_the_instances() -> None:
    seen = replace(upgraded("Faulted", NEW, WELL), instances=None)
    assert "RollingUpgradeFailed" in codes(judge(seen))


def test_a_minimum_per_zone_needs_zones() -> None:
    assert codes(judge(snapshot(WELL), min_healthy_per_zone=1)) == ["NoZones"]


NEW, OLD = "2026-03-02T00:00:00Z", "2026-02-01T00:00:00Z"


def upgraded(code: str, started: str, *vms: Vm) -> Snapshot:
    seen = snapshot(*vms, upgrade_mode="Rolling")
    upgrade = RollingUpgrade(code, started, successful=1, failed=1, in_progress=0, pending=1, error_message="too many")
    return replace(seen, rolling_upgrade=upgrade)


@pytest.mark.parametrize("code", ["RollingForward", "RollingBack", "something new"])
def test_a_rolling_upgrade_under_way_is_progress(code: str) -> None:
    verdict = judge(upgraded(code, NEW, WELL))
    assert (verdict.state, codes(verdict)) == (State.PROGRESSING, ["RollingUpgradeRunning"])
    assert judge(upgraded(code, NEW, WELL), rolling_upgrade="ignore").state is State.HEALTHY


def test_an_upgrade_that_somebody_else_started_is_named_as_such() -> None:
    verdict = judge(upgraded("RollingForward", OLD, WELL))
    assert verdict.state is State.PROGRESSING
    assert "that Azure or somebody else started" in verdict.reasons[0].message


def test_an_old_upgrade_that_failed_fails_no_first_gate_whose_instances_may_run_an_older_model() -> None:
    seen = upgraded("Cancelled", NEW, WELL, Vm(latest=False))
    assert seen.scale_set is not None
    manual = replace(seen, scale_set=replace(seen.scale_set, upgrade_mode="Manual"))
    assert evaluate(manual, GatePolicy(), Context(before_first_pass=True)).passes
    assert evaluate(manual, GatePolicy()).state is State.FAILING


@pytest.mark.parametrize("code", ["Faulted", "Cancelled"])
def test_our_own_upgrade_that_failed_fails_while_required_instances_are_stale(code: str) -> None:
    verdict = judge(upgraded(code, NEW, WELL, Vm(latest=False)))
    assert verdict.state is State.FAILING
    assert "RollingUpgradeFailed" in codes(verdict)
    assert judge(upgraded(code, NEW, WELL, WELL)).state is State.HEALTHY
    others = judge(upgraded(code, OLD, WELL, Vm(latest=False)))
    assert (others.state, "RollingUpgradeFailed" in codes(others)) == (State.PROGRESSING, False)
    assert "OtherUpgradeFailed" in codes(others)


@pytest.mark.parametrize("code", ["Faulted", "Cancelled"])
@pytest.mark.parametrize(
    ("old", "stale_instances"),
    [
        (Vm(latest=False, protected=True), "auto"),
        (Vm(latest=False, skips=True), "auto"),
        (Vm(latest=False), "ignore"),
    ],
)
def test_an_upgrade_that_failed_is_no_reason_where_it_left_only_instances_that_may_be_old(
    code: str, old: Vm, stale_instances: str
) -> None:
    verdict = judge(upgraded(code, NEW, WELL, old), stale_instances=stale_instances)
    assert (verdict.state, codes(verdict)) == (State.HEALTHY, ["OlderModelAllowed"])
    assert "RollingUpgradeFailed" in codes(judge(upgraded(code, NEW, old, Vm(latest=False))))


@pytest.mark.parametrize(
    ("created", "started", "is_ours"),
    [
        ("2026-03-01T00:00:00Z", "2026-03-01T00:00:00Z", True),
        ("2026-03-01T00:00:01Z", "2026-03-01T00:00:00Z", False),
        (None, "2026-03-01T00:00:00Z", True),
        ("2026-03-01T00:00:00Z", None, True),
    ],
)
def test_an_upgrade_since_the_sets_creation_is_ours_where_no_gate_ever_looked(
    created: str | None, started: str | None, is_ours: bool
) -> None:
    seen = snapshot(Vm(latest=False))
    assert seen.scale_set is not None
    seen = replace(
        seen,
        scale_set=replace(seen.scale_set, time_created=created),
        rolling_upgrade=RollingUpgrade("Faulted", started),
    )
    assert ("RollingUpgradeFailed" in codes(evaluate(seen, GatePolicy()))) is is_ours


@pytest.mark.parametrize(("started", "is_ours"), [("2026-02-28T23:56:00Z", True), ("2026-02-28T23:54:00Z", False)])
def test_a_clock_that_is_five_minutes_ahead_of_azures_disowns_no_upgrade(started: str, is_ours: bool) -> None:
    assert ("RollingUpgradeFailed" in codes(judge(upgraded("Faulted", started, Vm(latest=False))))) is is_ours


def test_an_upgrade_is_ours_also_where_the_model_was_not_looked_at() -> None:
    seen = replace(upgraded("RollingForward", NEW, WELL), scale_set=None)
    assert any(reason.message.startswith("a rolling upgrade is") for reason in evaluate(seen, GatePolicy()).reasons)


def test_an_upgrade_that_completed_is_no_reason() -> None:
    assert judge(upgraded("Completed", NEW, WELL)).state is State.HEALTHY


def test_a_surplus_that_stays_is_only_a_warning() -> None:
    verdict = judge(snapshot(WELL, WELL, WELL, capacity=2), SETTLED)
    assert (verdict.state, codes(verdict)) == (State.HEALTHY, ["SurplusStays"])


def test_a_view_that_still_counts_vms_of_a_set_that_has_none_is_not_health() -> None:
    seen = replace(snapshot(WELL, health=False), instances=())
    assert seen.scale_set is not None
    seen = replace(seen, scale_set=replace(seen.scale_set, capacity=0))
    verdict = judge(seen, SETTLED, min_healthy=1)
    assert (verdict.state, codes(verdict)) == (State.FAILING, ["MinHealthyAboveCapacity", "SurplusStays"])


def test_a_list_that_misses_an_instance_is_not_health_beside_a_surplus_that_stays() -> None:
    seen = snapshot(*[WELL] * 6, capacity=5)
    assert seen.instances is not None
    verdict = judge(replace(seen, instances=seen.instances[:4]), SETTLED, min_healthy="80%")
    assert (verdict.state, codes(verdict)) == (State.PROGRESSING, ["TooFewVms"])


def test_instances_of_one_zone_are_told_of_by_their_zone() -> None:
    ill = [Vm(zone="2", power="stopped")] * 2
    verdict = judge(snapshot(Vm(zone="1"), *ill, zones=("1", "2")))
    assert "instances 1 and 2 in zone 2: power stopped" in verdict.reasons[0].message


def test_an_empty_view_is_never_healthy() -> None:
    assert judge(Snapshot(InstanceView()), capacity=2).state is State.PROGRESSING


_STATES = ("succeeded", "failed", "creating", "updating", "unheard of", None)
vms = st.builds(
    Vm,
    provisioning=st.sampled_from(_STATES),
    power=st.sampled_from(["running", "stopped", None]),
    health=st.sampled_from(["healthy", "unhealthy", "initializing", None]),
    extensions=st.sampled_from([(("cse", state),) for state in _STATES if state] + [()]),
    latest=st.sampled_from([True, False, None]),
)


@given(st.lists(vms, max_size=6), st.integers(0, 6), st.integers(1, 6), st.sampled_from(_STATES))
def test_health_takes_as_many_faultless_vms_as_the_policy_asks(
    fleet: list[Vm], capacity: int, least: int, status: str | None
) -> None:
    verdict = judge(snapshot(*fleet, capacity=capacity, status=status), min_healthy=least)
    faultless = sum(vm == Vm() for vm in fleet)
    if verdict.state is State.HEALTHY and not verdict.unjudged:
        assert len(fleet) == capacity
        assert faultless >= least
        assert status in ("succeeded", "failed")
    if faultless == capacity == len(fleet) and capacity >= least and status == "succeeded":
        assert verdict.state is State.HEALTHY


@given(st.lists(vms, min_size=1, max_size=5), st.data())
def test_a_vm_that_gets_worse_never_improves_the_verdict(fleet: list[Vm], data: st.DataObject) -> None:
    before = judge(snapshot(Vm(), *fleet))
    after = judge(snapshot(data.draw(vms), *fleet))
    assert after.state >= before.state


def test_a_failed_operation_is_not_final_while_all_instances_are_well_and_only_the_view_is_behind() -> None:
    behind = replace(snapshot(Vm(), Vm(), status="failed/Boom"), view=snapshot(status="failed/Boom").view)
    assert judge(behind).state is State.PROGRESSING
    assert "SetOperationFailed" in codes(judge(behind))
    assert judge(behind, set_status="required").state is State.FAILING
    ill = replace(snapshot(Vm(), Vm(health="unhealthy"), status="failed/Boom"), view=behind.view)
    assert judge(ill).state is State.FAILING
    short = replace(snapshot(Vm(), Vm(), status="failed/Boom", capacity=3), view=behind.view)
    assert judge(short).state is State.FAILING, "who is not there may be what failed"
