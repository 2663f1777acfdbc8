"""What people met, and what a right gate says: bodies as Azure sends them, from public reports and documents."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pulumi_vmss_health import (
    GatePolicy,
    Instance,
    InstanceView,
    Reason,
    RollingUpgrade,
    ScaleSet,
    ScaleSetId,
    Snapshot,
    State,
    Verdict,
    evaluate,
)
from pulumi_vmss_health.judging.snapshot import NOTHING_ELSE, Context
from pulumi_vmss_health.telling.failure import failure_lines, headline, warnings
from pulumi_vmss_health.telling.status import status_line
from pulumi_vmss_health.waiting.ending import Ending
from pulumi_vmss_health.waiting.memory import Progress
from pulumi_vmss_health.waiting.prospects import evaluate_wait, refusal
from pulumi_vmss_health.waiting.watch import Outcome
from vmss_instance_view.model import parse_time
from vmss_instance_view.reading.flexible import count

HEALTHY, PROGRESSING, FAILING = State.HEALTHY, State.PROGRESSING, State.FAILING
OK = {"code": "ProvisioningState/succeeded"}
GONE = {"code": "ProvisioningState/Unavailable", "level": "Warning", "message": "VM agent is not responsive."}
HEALTH = {
    "name": "health",
    "properties": {"publisher": "Microsoft.ManagedServices", "type": "ApplicationHealthLinux", "settings": {}},
}
CSE = {"name": "cse", "properties": {"publisher": "Microsoft.Azure.Extensions", "type": "CustomScript"}}
WEB = ScaleSetId("0b1f", "rg", "web")


def code(state: str, message: str | None = None) -> dict[str, Any]:
    return {"code": f"ProvisioningState/{state}", **({"message": message} if message else {})}


def extension(name: str, *states: str, message: str | None = None, sub: Any = None) -> dict[str, Any]:
    return {"name": name, "statuses": [code(each, message) for each in states], "substatuses": sub or []}


def vm(number: int, *states: str, **view: Any) -> dict[str, Any]:
    """One VM that is well, but for what is said. states: of its provisioning; the first is the resource's, too."""
    states = states or ("succeeded",)
    statuses = [*map(code, states), {"code": f"PowerState/{view.pop('power', 'running')}"}]
    top: dict[str, Any] = {key: view.pop(key) for key in ("tags", "latest", "zones") if key in view}
    health = view.pop("health", "healthy")
    body = {
        "statuses": statuses,
        "extensions": [extension("cse", "succeeded"), extension("health", "succeeded")],
        "vmAgent": {"statuses": [OK]},
        "vmHealth": {"status": {"code": f"HealthState/{health}"}} if health else None,
        **view,
    }
    properties = {
        "provisioningState": states[0].split("/")[0].capitalize(),
        "latestModelApplied": top.pop("latest", True),
        "instanceView": body,
    }
    return {
        "instanceId": str(number),
        "name": f"web_{number}",
        "id": f"/vms/web_{number}",
        "properties": properties,
        **top,
    }


def look(
    *vms: dict[str, Any],
    capacity: int | None = 3,
    model: dict[str, Any] | None = None,
    profile: dict[str, Any] | None = None,
    extensions: list[dict[str, Any]] | None = None,
    view: dict[str, Any] | None = None,
    upgrade: dict[str, Any] | None = None,
) -> Snapshot:
    """What one look sees, parsed from Azure's bodies; the view counts the VMs as Azure does."""
    listed = {"extensionProfile": {"extensions": [CSE, HEALTH] if extensions is None else extensions}}
    properties = {
        "orchestrationMode": "Uniform",
        "provisioningState": "Succeeded",
        "upgradePolicy": {"mode": "Automatic"},
        "virtualMachineProfile": {**listed, **(profile or {})},
        **(model or {}),
    }
    scale_set = ScaleSet.from_json({"name": "web", "sku": {"capacity": capacity}, "properties": properties})
    instances = tuple(Instance.from_json(each) for each in copy.deepcopy(vms))
    seen = InstanceView.from_json(view) if view is not None else count(scale_set, instances)
    rolling = RollingUpgrade.from_json(upgrade) if upgrade is not None else None
    return Snapshot(seen, scale_set, instances, rolling)


THREE = (vm(0), vm(1), vm(2))


def judge(seen: Snapshot, **policy: Any) -> Verdict:
    return evaluate(seen, GatePolicy(**policy))


def lines(verdict: Verdict) -> list[str]:
    return [each.message for each in verdict.reasons]


def told(verdict: Verdict, which: str) -> Reason:
    """The one reason of a code."""
    (reason,) = (each for each in verdict.reasons if each.code == which)
    return reason


def outcome(
    seen: Snapshot,
    ending: Ending = Ending.TIMED_OUT,
    context: Context = NOTHING_ELSE,
    elapsed: float = 80,
    limit: float = 1200,
    **policy: Any,
) -> Outcome:
    return Outcome(ending, Progress(elapsed, limit, 9, seen, evaluate(seen, GatePolicy(**policy), context)))


# --- A. passed wrongly


@pytest.mark.parametrize("state", ["unhealthy", "unknown", None])
def test_an_external_policy_is_a_source_of_health(state: str | None) -> None:
    external = {"externalHealthPolicy": {"enabled": True, "gracePeriod": "PT5M"}}
    seen = look(vm(0), vm(1), vm(2, health=state), model=external, extensions=[CSE])
    assert judge(seen).state is PROGRESSING
    assert judge(seen, application_health="required").state is PROGRESSING
    assert judge(seen, application_health="ignored").passes


@pytest.mark.parametrize("state", ["unhealthy", "Unhealthy", "initializing", "unknown"])
def test_a_vm_that_reports_no_health_never_passes_whatever_the_model_names(state: str) -> None:
    seen = look(vm(0, health=None), vm(1), vm(2, health=state), extensions=[CSE])
    assert judge(seen).state is PROGRESSING
    assert told(judge(seen), "ApplicationNotHealthy").subject == "instance 2, application health"
    assert judge(seen, application_health="ignored").passes


def test_silence_about_health_counts_only_where_the_model_names_a_source() -> None:
    silent = [vm(number, health=None) for number in range(3)]
    assert judge(look(*silent, extensions=[CSE])).passes
    assert judge(look(*silent)).state is PROGRESSING
    disabled = {"externalHealthPolicy": {"enabled": False}}
    assert judge(look(*silent, extensions=[CSE], model=disabled)).passes


def test_health_without_a_code_is_silence() -> None:
    silent = [vm(number, vmHealth={"status": {}}) for number in range(3)]
    assert judge(look(*silent, extensions=[CSE])).passes
    assert told(judge(look(*silent)), "ApplicationNotHealthy").have == "not reported"


FLEXIBLE: dict[str, Any] = {"orchestrationMode": "Flexible"}
ATTACHED: dict[str, Any] = {**FLEXIBLE, "virtualMachineProfile": None}


def test_attached_vms_need_a_capacity_in_the_policy() -> None:
    seen = look(*THREE, capacity=None, model=ATTACHED)
    assert seen.scale_set is not None
    words = refusal(seen.scale_set, GatePolicy())
    assert words is not None
    assert words.endswith("set policy.capacity")
    assert "one by one" in words
    assert refusal(seen.scale_set, GatePolicy(capacity=3)) is None
    assert judge(seen, capacity=3).passes
    assert judge(seen, capacity=4).state is PROGRESSING


def test_of_attached_vms_all_extensions_are_those_that_they_list() -> None:
    some = vm(2, extensions=[extension("cse", "succeeded")])
    assert judge(look(vm(0), vm(1), some, model=ATTACHED), capacity=3).passes
    broken = vm(2, extensions=[extension("logs", "failed/7", message="no disk")])
    verdict = judge(look(vm(0), vm(1), broken, model=ATTACHED), capacity=3)
    assert (verdict.state, told(verdict, "ExtensionFailed").subject) == (FAILING, "instance 2, extension logs")
    assert judge(look(vm(0), vm(1), some, model=ATTACHED), capacity=3, extensions=["health"]).state is PROGRESSING
    assert judge(look(*THREE, model=ATTACHED), capacity=3, stale_instances="fail").passes


@pytest.mark.parametrize(
    "twice",
    [
        vm(2, "succeeded", "failed/OSProvisioningTimedOut"),
        vm(2, "succeeded", "canceled"),
        vm(2, extensions=[extension("cse", "succeeded", "failed/1"), extension("health", "succeeded")]),
        vm(
            2,
            extensions=[
                *[extension("cse", each) for each in ("succeeded", "failed")],
                extension("health", "succeeded"),
            ],
        ),
        vm(2, extensions=[*[extension(each, "succeeded") for each in ("CSE", "health")], extension("cse", "failed")]),
    ],
)
@pytest.mark.parametrize("mode", ["Uniform", "Flexible"])
def test_of_one_thing_that_is_said_twice_the_worst_counts(twice: dict[str, Any], mode: str) -> None:
    seen = look(vm(0), vm(1), twice, model={"orchestrationMode": mode})
    assert judge(seen, stale_instances="ignore").state is FAILING


@pytest.mark.parametrize("states", [("running", "stopped"), ("stopped", "running")])
def test_of_two_power_states_the_worse_counts(states: tuple[str, str]) -> None:
    body = vm(2, power=states[0])
    body["properties"]["instanceView"]["statuses"].append({"code": f"PowerState/{states[1]}"})
    assert told(judge(look(vm(0), vm(1), body)), "VmNotRunning").have == "stopped"


def test_an_extension_that_the_view_lists_twice_is_as_well_as_its_worse_entry() -> None:
    summary = [{"code": "ProvisioningState/succeeded", "count": 3}]
    failed = [{"code": "ProvisioningState/failed", "count": 1}, {"code": "ProvisioningState/succeeded", "count": 2}]
    for order in ([failed, summary], [summary, failed]):
        view = {
            "virtualMachine": {"statusesSummary": summary},
            "statuses": [OK],
            "extensions": [{"name": "cse", "statusesSummary": each} for each in order],
        }
        seen = look(*THREE, view=view, extensions=[CSE])
        assert judge(seen).state is PROGRESSING
        assert judge(replace(seen, instances=None)).state is FAILING


def test_a_surplus_that_stays_names_those_that_failed() -> None:
    failed = [vm(number, "failed/OSProvisioningTimedOut") for number in range(2, 12)]
    settled = Context(surplus_settled=True)
    seen = look(vm(0), vm(1), *failed, capacity=2)
    reason = told(evaluate(seen, GatePolicy(), settled), "SurplusStays")
    assert "not healthy: instances 2, 3, 4, 5, 6 and 5 more" in reason.message
    assert any("12 VMs exist" in line for line in warnings(outcome(seen, Ending.HEALTHY, settled)))


PROFILE = {"timeCreated": "2025-04-03T19:34:39.1234567+00:00"}
LATEST, OLDER = (
    {"VirtualMachineProfileTimeCreated": each} for each in ("4/3/2025 7:34:39 PM +00:00", "4/3/2025 7:34:38 PM +00:00")
)
ISO = {"virtualmachineprofiletimecreated": "2025-04-03T19:34:39.1234567+00:00"}


def flexible(*tags: dict[str, str] | None, mode: str = "Manual") -> Snapshot:
    """A Flexible set whose VMs have these tags."""
    vms = [vm(number, latest=None, **({} if each is None else {"tags": each})) for number, each in enumerate(tags)]
    return look(*vms, capacity=len(tags), model={**FLEXIBLE, "upgradePolicy": {"mode": mode}}, profile=PROFILE)


@pytest.mark.parametrize(
    ("mode", "policy", "state"),
    [
        ("Manual", {}, FAILING),
        ("Manual", {"stale_instances": "wait"}, PROGRESSING),
        ("Manual", {"stale_instances": "ignore"}, HEALTHY),
        ("Automatic", {}, PROGRESSING),
        ("Automatic", {"stale_instances": "fail"}, FAILING),
    ],
)
def test_a_flexible_set_is_judged_by_the_time_in_its_vms_tags_as_a_uniform_one_by_its_flag(
    mode: str, policy: dict[str, Any], state: State
) -> None:
    assert judge(flexible(LATEST, ISO, LATEST, mode=mode), **policy) == Verdict(HEALTHY)
    stale = judge(flexible(LATEST, ISO, OLDER, mode=mode), **policy)
    assert stale.state is state
    assert any("instance 2" in line for line in lines(stale))
    uniform = look(vm(0), vm(1), vm(2, latest=False), model={"upgradePolicy": {"mode": mode}})
    assert judge(uniform, **policy) == stale


def test_before_the_first_pass_stale_vms_of_a_flexible_set_are_a_warning() -> None:
    verdict = evaluate(flexible(LATEST, OLDER), GatePolicy(), Context(before_first_pass=True))
    assert (verdict.state, [each.code for each in verdict.reasons]) == (HEALTHY, ["OlderModelAllowed"])


@pytest.mark.parametrize("tag", [None, {}, {"VirtualMachineProfileTimeCreated": "yesterday"}])
def test_a_flexible_vm_that_does_not_tell_its_model_is_named_in_a_warning(tag: dict[str, str] | None) -> None:
    seen = flexible(LATEST, tag, LATEST)
    verdict = judge(seen)
    assert verdict.passes
    assert told(verdict, "ModelUnknown").subject == "instance 1, model"
    assert judge(seen, stale_instances="ignore").reasons == ()
    for insisting in ("fail", "wait"):
        assert judge(seen, stale_instances=insisting).state is PROGRESSING


# --- B. waited or failed for no reason

ECHO = "failed/VMExtensionProvisioningError"
SUPPRESSED = {"name": "logs", "properties": {"type": "Logs", "suppressFailures": True}}
LOGS = {"name": "logs", "properties": {"type": "Logs"}}


def with_logs(state: str = "failed/7", provisioning: str = ECHO, **more: Any) -> dict[str, Any]:
    """A VM on which the extension logs failed, and which failed with it, as Azure has it."""
    listed = [extension("cse", "succeeded"), extension("logs", state, message="no disk")]
    return vm(2, provisioning, extensions=listed, **more)


def well_with(*names: str) -> list[dict[str, Any]]:
    return [vm(number, extensions=[extension(each, "succeeded") for each in names]) for number in (0, 1)]


def test_the_vms_echo_of_a_failed_extension_is_no_second_reason() -> None:
    seen = look(*well_with("cse", "logs"), with_logs(), extensions=[CSE, LOGS], model={"provisioningState": "Failed"})
    operation = InstanceView.from_json({"statuses": [code(ECHO)]}).statuses
    verdict = judge(replace(seen, view=replace(seen.view, statuses=operation)))
    assert verdict.state is FAILING
    (reason,) = (each for each in verdict.reasons if each.state is not HEALTHY)
    assert reason.code == "ExtensionFailed"
    assert "no disk" in reason.message


def test_a_suppressed_failure_passes_with_a_warning_unless_the_policy_names_the_extension() -> None:
    seen = look(*well_with("cse", "logs"), with_logs(), extensions=[CSE, SUPPRESSED])
    verdict = judge(seen)
    assert verdict.passes
    assert "no disk" in told(verdict, "ExtensionFailureSuppressed").message
    assert judge(seen, extensions=["cse", "logs"]).state is FAILING
    running = replace(
        seen, view=replace(seen.view, statuses=InstanceView.from_json({"statuses": [code(ECHO)]}).statuses)
    )
    assert judge(running).passes


def failing_logs(number: int, state: str, message: str) -> dict[str, Any]:
    return vm(number, extensions=[extension("cse", "succeeded"), extension("logs", state, message=message)])


def suppressed_failures(*vms: dict[str, Any]) -> list[Reason]:
    verdict = judge(look(*vms, capacity=len(vms), extensions=[CSE, SUPPRESSED]))
    assert verdict.passes
    return [each for each in verdict.reasons if each.code == "ExtensionFailureSuppressed"]


def test_each_suppressed_failure_is_told_with_its_own_code_and_words_and_its_own_vms() -> None:
    told_of = suppressed_failures(
        failing_logs(0, "failed/1", "no such file"),
        failing_logs(1, "failed/52", "no disk at web_1"),
        failing_logs(2, "failed/52", "no disk at web_2"),
        failing_logs(3, "failed/52", "no route"),
    )
    ignored = "ignored: the model sets suppressFailures"
    assert [each.message for each in told_of] == [
        f"instances 1 and 2: extension logs failed/52, {ignored}: no disk at web_1",
        f"instance 0: extension logs failed/1, {ignored}: no such file",
        f"instance 3: extension logs failed/52, {ignored}: no route",
    ]
    assert [each.instances for each in told_of] == [("1", "2"), ("0",), ("3",)]


def test_suppressed_failures_that_all_differ_make_a_few_warnings_that_name_every_vm() -> None:
    told_of = suppressed_failures(*[failing_logs(each, "failed/1", "no " + "x" * (each + 1)) for each in range(40)])
    assert len(told_of) == 6
    assert [each for reason in told_of for each in reason.instances] == [str(each) for each in range(40)]


def test_a_suppressed_extension_that_has_not_ended_is_waited_for() -> None:
    seen = look(*well_with("cse", "logs"), with_logs("transitioning", "succeeded"), extensions=[CSE, SUPPRESSED])
    assert judge(seen).state is PROGRESSING


def test_a_vm_that_only_echoes_ignored_extensions_counts_as_provisioned() -> None:
    seen = look(*well_with("cse", "logs"), with_logs(), extensions=[CSE, LOGS])
    for policy in ({"ignore_extensions": ["LOGS"]}, {"extensions": ["cse"]}):
        verdict = judge(seen, **policy)
        assert verdict.passes
        assert "logs" in told(verdict, "VmFailureAllowed").message


@pytest.mark.parametrize(
    "provisioning", ["failed", "failed/OSProvisioningTimedOut", "failed/NetworkingInternalOperationError"]
)
def test_another_failure_of_a_vm_counts_beside_an_ignored_extension(provisioning: str) -> None:
    seen = look(*well_with("cse", "logs"), with_logs(provisioning=provisioning), extensions=[CSE, LOGS])
    assert judge(seen, ignore_extensions=["logs"]).state is FAILING


def test_an_echo_of_no_listed_extension_counts() -> None:
    assert judge(look(vm(0), vm(1), vm(2, ECHO)), ignore_extensions=["logs"]).state is FAILING


AGENTLESS: dict[str, Any] = {"extensions": [], "vmAgent": {"statuses": [GONE]}, "health": None}


def test_named_codes_of_a_failed_vm_pass_with_a_warning() -> None:
    seen = look(*[vm(each, "failed/OSProvisioningTimedOut", **AGENTLESS) for each in range(3)], extensions=[])
    assert judge(seen).state is FAILING
    verdict = judge(seen, ignore_failure_codes=["osprovisioningtimedout"])
    assert verdict.passes
    assert told(verdict, "VmFailureAllowed").subject == "instances 0, 1 and 2, VM"
    assert judge(seen, ignore_failure_codes=["AllocationFailed"]).state is FAILING


def test_vms_that_failed_with_several_named_codes_are_told_by_their_own() -> None:
    codes = ["OSProvisioningTimedOut", "NetworkingInternalOperationError"]
    seen = look(vm(0, f"failed/{codes[0]}"), vm(1, f"failed/{codes[1]}"), vm(2, f"failed/{codes[0]}"))
    assert lines(judge(seen, ignore_failure_codes=codes)) == [
        "instances 0 and 2: VM failed/OSProvisioningTimedOut, ignored by ignore_failure_codes",
        "instance 1: VM failed/NetworkingInternalOperationError, ignored by ignore_failure_codes",
    ]


@pytest.mark.parametrize(
    "both",
    [("failed/OSProvisioningTimedOut", "failed/AllocationFailed"), ("failed/OSProvisioningTimedOut", "updating")],
)
def test_a_named_code_excuses_no_other_state_of_the_same_vm(both: tuple[str, str]) -> None:
    seen = look(vm(0), vm(1), vm(2, *both))
    assert not judge(seen, ignore_failure_codes=["OSProvisioningTimedOut"]).passes


@pytest.mark.parametrize("setting", [2.5, "5", "", "often", -1, None, [], {}, True, 10**30])
def test_settings_of_free_form_are_read_where_they_can_be(setting: Any) -> None:
    settings = {"intervalInSeconds": setting, "numberOfProbes": setting}
    health = {**HEALTH, "properties": {**HEALTH["properties"], "settings": settings}}  # type: ignore[dict-item]
    seen = look(*THREE, extensions=[CSE, health])
    assert judge(seen).passes
    assert seen.scale_set is not None
    assert seen.scale_set.health_extension is not None
    assert seen.scale_set.health_extension.interval == (5 if setting == "5" else None)


@pytest.mark.parametrize("settings", ["{}", 7, [], None])
def test_settings_that_are_no_object_are_the_defaults(settings: Any) -> None:
    health = {**HEALTH, "properties": {**HEALTH["properties"], "settings": settings}}  # type: ignore[dict-item]
    assert judge(look(*THREE, extensions=[CSE, health])).passes


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"properties": {}},
        {"properties": None},
        {"properties": {"runningStatus": None}},
        {"properties": {"runningStatus": {}, "progress": {}}},
    ],
)
def test_an_upgrade_without_a_status_is_none(body: dict[str, Any]) -> None:
    assert judge(look(*THREE, upgrade=body)) == Verdict(HEALTHY)


SKIPS = {"code": "ComponentStatus/CustomMetrics/succeeded", "message": '{"rollingUpgrade":{"SkipUpgrade":true}}'}


def test_a_vm_that_asks_to_be_skipped_is_exempt_and_named() -> None:
    skipping = vm(
        2, latest=False, extensions=[extension("cse", "succeeded"), extension("health", "succeeded", sub=[SKIPS])]
    )
    upgrade = {"properties": {"runningStatus": {"code": "Completed", "startTime": "2026-05-02T00:00:00Z"}}}
    for mode in ("Rolling", "Manual", "Automatic"):
        verdict = judge(look(vm(0), vm(1), skipping, model={"upgradePolicy": {"mode": mode}}, upgrade=upgrade))
        assert verdict.passes
        assert told(verdict, "OlderModelAllowed").subject == "instance 2, model"


@pytest.mark.parametrize(
    "message", ['{"rollingUpgrade":{"SkipUpgrade":false}}', "", "{", '["SkipUpgrade"]', '{"rollingUpgrade":1}']
)
def test_other_metrics_do_not_exempt_a_vm(message: str) -> None:
    asks = extension("health", "succeeded", sub=[{**SKIPS, "message": message}])
    seen = look(vm(0), vm(1), vm(2, latest=False, extensions=[extension("cse", "succeeded"), asks]))
    assert judge(seen).state is PROGRESSING


def test_a_minimum_above_the_capacity_fails_early_and_says_so() -> None:
    verdict = judge(look(*THREE), min_healthy=5)
    assert verdict.state is FAILING
    assert [each.code for each in verdict.reasons] == ["MinHealthyAboveCapacity"]
    assert lines(verdict) == ["min_healthy requires 5 VMs, but the capacity is 3"]
    assert verdict.reasons[0].hint


def test_a_set_of_capacity_zero_is_healthy_without_statuses_where_its_model_succeeded() -> None:
    empty = look(capacity=0, view={})
    assert [each.code for each in judge(empty).reasons] == ["NothingToJudge"]
    assert judge(empty).passes
    for state, expected in (("Updating", PROGRESSING), ("Failed", FAILING), ("Canceled", FAILING), (None, PROGRESSING)):
        assert judge(look(capacity=0, view={}, model={"provisioningState": state})).state is expected


@pytest.mark.parametrize("state", ["canceled", "Canceled", "cancelled"])
def test_canceled_is_failed_wherever_it_is_said(state: str) -> None:
    assert judge(look(vm(0), vm(1), vm(2, state))).state is FAILING
    of_extension = vm(2, extensions=[extension("cse", state), extension("health", "succeeded")])
    assert judge(look(vm(0), vm(1), of_extension)).state is FAILING
    view = {"statuses": [code(state)], "virtualMachine": {"statusesSummary": [{**OK, "count": 3}]}}
    ill = look(vm(0), vm(1), vm(2, health="unhealthy"), view=view, extensions=[])
    assert judge(ill).state is FAILING
    counted = {"statuses": [OK], "virtualMachine": {"statusesSummary": [{**code(state), "count": 3}]}}
    assert judge(replace(look(view=counted, extensions=[]), instances=None)).state is FAILING


@pytest.mark.parametrize("agent", ["Unavailable", "NotReady", "failed"])
def test_a_success_that_a_lost_agent_told_is_not_believed(agent: str) -> None:
    lost = vm(2, vmAgent={"statuses": [{**GONE, "code": f"ProvisioningState/{agent}"}]})
    verdict = judge(look(vm(0), vm(1), lost))
    assert verdict.state is PROGRESSING
    (reason,) = verdict.reasons
    assert (reason.code, reason.subject) == ("VmAgentGone", "instance 2, VM agent")
    assert "VM agent is not responsive." in reason.message
    assert "outbound" in reason.hint


def test_a_vm_that_was_stopped_has_no_agent_and_that_is_no_second_reason() -> None:
    stopped = vm(2, power="deallocated", vmAgent={"statuses": [GONE]})
    verdict = judge(look(vm(0), vm(1), stopped))
    assert [each.code for each in verdict.reasons] == ["VmNotRunning"]
    assert judge(look(vm(0), vm(1), stopped), power_state="ignored").passes


def test_the_level_of_a_status_is_shown_and_decides_nothing() -> None:
    view = {
        "statuses": [{**OK, "level": "Error", "message": "quota"}],
        "virtualMachine": {"statusesSummary": [{**OK, "count": 3}]},
    }
    verdict = judge(look(*THREE, view=view, extensions=[]))
    assert verdict.passes
    assert "Error: quota" in told(verdict, "SetStatusLevel").message


def test_a_status_of_another_group_is_none_of_the_last_operation() -> None:
    view = {
        "statuses": [OK, {"code": "MaintenanceState/scheduled"}],
        "virtualMachine": {"statusesSummary": [{**OK, "count": 3}]},
    }
    assert judge(look(*THREE, view=view, extensions=[])).passes


# --- C. the words


@pytest.mark.parametrize(
    ("detail", "words"),
    [
        ("VMExtensionProvisioningError", "extension"),
        ("VMExtensionProvisioningTimeout", "extension"),
        ("NetworkingInternalOperationError", "repeat the operation"),
        ("InternalOperationError", "repeat the operation"),
        ("VMAgentProvisioningFailure", "outbound"),
        ("OSProvisioningTimedOut", "boot diagnostics"),
        ("VMStoppedToWarnSubscription", "subscription"),
        ("AllocationFailed", "no capacity"),
        ("ZonalAllocationFailed", "no capacity"),
        ("SomethingNew", "activity log"),
    ],
)
def test_the_hint_follows_the_code_and_never_destroys_a_running_vm(detail: str, words: str) -> None:
    hint = told(judge(look(vm(0), vm(1), vm(2, f"failed/{detail}"))), "VmFailed").hint
    assert words in hint
    assert "delete" not in hint
    assert "reimage" not in hint
    assert len(hint) <= 100


LOG = "\n".join(f"+ step {number} of the setup, which says nothing of interest" for number in range(40))
LINUX = (
    "Enable failed: command terminated with exit status=9\n"
    f"[stdout]\n{LOG}\n[stderr]\n{LOG}\nE: no such package: fluentbit\n"
)


@pytest.mark.parametrize(
    "failed",
    [
        extension("cse", "failed/9", message=LINUX),
        extension(
            "cse",
            "failed/9",
            message=LINUX + '"\r\n\r\nMore information on troubleshooting is available at https://aka.ms/x ',
        ),
        extension(
            "cse",
            "failed/9",
            message=LINUX.replace("E: no such package: fluentbit\n", "") + "E: no such package: fluentbit",
        ),
        extension("cse", "failed/9", message=f"failed\n[stdout]\n{LOG}\nE: no such package: fluentbit\n[stderr]\n\n"),
        extension("cse", "failed/9", message=f"{LOG}\nE: no such package: fluentbit"),
        extension(
            "cse",
            "failed/9",
            message="Command execution finished, but failed",
            sub=[
                {"code": "ComponentStatus/StdOut/succeeded", "message": LOG},
                {"code": "ComponentStatus/StdErr/succeeded", "message": f"{LOG}\nE: no such package: fluentbit"},
            ],
        ),
    ],
)
def test_the_end_of_the_error_output_is_told(failed: dict[str, Any]) -> None:
    verdict = judge(look(vm(0), vm(1), vm(2, extensions=[failed, extension("health", "succeeded")])))
    message = told(verdict, "ExtensionFailed").message
    assert message.endswith("E: no such package: fluentbit")
    assert len(message) < 600


def test_one_cause_on_many_vms_is_one_line() -> None:
    def failed(number: int) -> dict[str, Any]:
        body = vm(number, "failed/OSProvisioningTimedOut")
        words = f"OS Provisioning for VM 'web_{number}' (web00000{number:X}, 10.0.0.{number}) did not finish in time"
        body["properties"]["instanceView"]["statuses"][0]["message"] = words
        return body

    verdict = judge(look(*map(failed, range(12)), capacity=12))
    reason = told(verdict, "VmFailed")
    assert reason.subject == "instances 0, 1, 2, 3, 4 and 7 more, VM"
    assert len(reason.instances) == 12


def test_other_causes_stay_apart() -> None:
    vms = [vm(each, "failed/OSProvisioningTimedOut" if each else "failed/AllocationFailed") for each in range(3)]
    assert [each.subject for each in judge(look(*vms)).reasons if each.code == "VmFailed"] == [
        "instances 1 and 2, VM",
        "instance 0, VM",
    ]


SLOW = {**HEALTH, "properties": {**HEALTH["properties"], "settings": {"intervalInSeconds": 60, "numberOfProbes": 24}}}  # type: ignore[dict-item]


def test_a_hold_beyond_the_timeout_is_said_at_the_first_look_with_both_numbers() -> None:
    seen = look(*THREE, extensions=[CSE, SLOW])
    policy = GatePolicy(timeout="20s")
    verdict = evaluate_wait(seen, policy)
    assert verdict.state is FAILING
    line = status_line(Progress(1, 20, 1, seen, verdict))
    assert "24m" in line
    assert "20s" in line
    assert evaluate(seen, policy).passes
    for enough in (
        GatePolicy(timeout="30m"),
        GatePolicy(timeout="20s", hold="5s"),
        GatePolicy(timeout="20s", application_health="ignored"),
    ):
        assert evaluate_wait(seen, enough).passes


def test_a_name_that_the_model_lacks_is_said_at_once() -> None:
    verdict = judge(look(*THREE), extensions=["csee"])
    assert verdict.state is PROGRESSING
    assert lines(verdict)[0] == "the model has no extension csee; it has cse, health"
    assert "csee" in status_line(Progress(1, 20, 1, look(*THREE), verdict))
    installed = [
        vm(each, extensions=[extension(name, "succeeded") for name in ("cse", "health", "csee")]) for each in range(3)
    ]
    assert judge(look(*installed), extensions=["csee"]).passes


def test_an_ignored_name_that_the_model_lacks_is_a_warning() -> None:
    verdict = judge(look(*THREE), ignore_extensions=["csee"])
    assert verdict.passes
    assert "the model has no extension csee; it has cse, health" in told(verdict, "IgnoredExtensionUnknown").message


def faulted(started: str) -> dict[str, Any]:
    return {
        "properties": {"runningStatus": {"code": "Faulted", "startTime": started}, "error": {"message": "too many"}}
    }


def test_a_faulted_upgrade_is_told_whoever_began_it() -> None:
    seen = look(
        vm(0),
        vm(1),
        vm(2, latest=False),
        model={"upgradePolicy": {"mode": "Rolling"}},
        upgrade=faulted("2026-05-01T23:59:00Z"),
    )
    passed = Context(since=parse_time("2026-05-02T00:00:00Z"))
    told = failure_lines(outcome(seen, context=passed), WEB)
    assert any("Faulted" in line and "too many" in line for line in told)


@pytest.mark.parametrize(
    ("ill", "cause"),
    [
        (vm(2, power="deallocated", health=None), "power deallocated"),
        (vm(2, "failed/AllocationFailed", health=None, extensions=[]), "VM failed/AllocationFailed"),
    ],
)
def test_a_vm_that_is_not_there_is_told_first_and_nobody_is_sent_to_its_application(
    ill: dict[str, Any], cause: str
) -> None:
    told_of = lines(judge(look(vm(0), vm(1), ill)))
    assert cause in told_of[0]
    assert "application health not reported" in told_of[-1]
    hints = [each.hint for each in judge(look(vm(0), vm(1), ill)).reasons]
    assert hints[0] != ""
    assert set(hints[1:]) == {""}


def test_what_the_agent_says_is_told_where_health_is_missing() -> None:
    lost = vm(2, health=None, vmAgent={"statuses": [GONE]})
    reason = told(judge(look(vm(0), vm(1), lost)), "ApplicationNotHealthy")
    assert "VM agent is not responsive." in reason.message
    assert "outbound" in reason.hint


OLD: dict[str, Any] = {"latest": False, "extensions": [extension("cse", "succeeded")], "health": None}
PROTECTED = {"protectionPolicy": {"protectFromScaleSetActions": True}}
APPLY = "the instance runs an older model, which may lack the health extension: apply the latest model"


@pytest.mark.parametrize(
    ("mode", "protection", "hint"),
    [
        ("Manual", {}, f"{APPLY} (az vmss update-instances)"),
        ("Automatic", PROTECTED, APPLY),
        ("Automatic", {}, ""),
    ],
)
def test_a_vm_that_lacks_health_with_an_older_model_is_to_get_the_latest_where_azure_does_not_apply_it(
    mode: str, protection: dict[str, Any], hint: str
) -> None:
    old = vm(2, **OLD)
    old["properties"].update(protection)
    seen = look(vm(0), vm(1), old, model={"upgradePolicy": {"mode": mode}})
    verdict = evaluate(seen, GatePolicy(), Context(before_first_pass=True))
    assert verdict.state is PROGRESSING
    assert told(verdict, "ApplicationNotHealthy").hint == hint


@pytest.mark.parametrize(
    ("power", "hint"), [("stopped", True), ("deallocated", True), ("starting", False), ("unknown", False)]
)
def test_only_a_vm_that_does_not_run_is_to_be_started(power: str, hint: bool) -> None:
    assert ("start the instance" in told(judge(look(vm(0), vm(1), vm(2, power=power))), "VmNotRunning").hint) is hint


def test_a_timeout_is_named_as_the_policy_has_it_however_long_the_last_look_took() -> None:
    late = outcome(look(vm(0), vm(1), vm(2, health="unhealthy")), elapsed=15, limit=10)
    assert headline(late, "web").startswith(
        "scale set web is not healthy after 10s, which is the timeout of the policy"
    )
    assert headline(Outcome(Ending.TIMED_OUT, Progress(15, 10)), "web").startswith(
        "scale set web was never seen in 10s"
    )


def test_that_nothing_judged_the_application_is_said_in_the_outcome_and_is_no_warning() -> None:
    seen = look(*[vm(each, health=None) for each in range(3)], extensions=[CSE])
    words = "application health was not judged: the model has no health extension or probe"
    assert headline(outcome(seen, Ending.HEALTHY), "web").endswith(f"; {words}")
    assert warnings(outcome(seen, Ending.HEALTHY)) == []
    assert words not in headline(outcome(seen, Ending.HEALTHY, application_health="ignored"), "web")
    assert words not in headline(outcome(look(*THREE), Ending.HEALTHY), "web")


def test_more_vms_than_the_capacity_are_a_surge_where_the_upgrade_adds_them() -> None:
    rolling = {"upgradePolicy": {"mode": "Rolling", "rollingUpgradePolicy": {"maxSurge": True}}}
    upgrade = {"properties": {"runningStatus": {"code": "RollingForward", "startTime": "2026-05-02T00:00:00Z"}}}
    verdict = judge(look(*THREE, capacity=2, model=rolling, upgrade=upgrade))
    assert verdict.state is PROGRESSING
    assert any("maxSurge" in line for line in lines(verdict))
    assert not any("surplus" in f"{each.code} {each.message}".lower() for each in verdict.reasons)


def test_an_extension_comes_after_what_it_is_installed_after_and_says_so() -> None:
    after = {"name": "app", "properties": {"type": "App", "provisionAfterExtensions": ["cse"]}}
    failed = [extension("app", "failed/1", message="no tools"), extension("cse", "failed/9", message="no network")]
    ill = vm(2, ECHO, extensions=failed)
    verdict = judge(look(*well_with("app", "cse"), ill, extensions=[after, CSE]))
    assert [each.subject for each in verdict.reasons] == ["instance 2, extension cse", "instance 2, extension app"]
    waits = vm(2, ECHO, extensions=failed[1:])
    verdict = judge(look(*well_with("app", "cse"), waits, extensions=[after, CSE]))
    assert [each.code for each in verdict.reasons] == ["ExtensionFailed", "ExtensionNotReady"]
    assert verdict.reasons[1].message.endswith("it is installed after extension cse, which failed")


def test_extensions_that_come_after_each_other_are_judged_all_the_same() -> None:
    circle = [{"name": one, "properties": {"provisionAfterExtensions": [other, one]}} for one, other in ("ab", "ba")]
    assert judge(
        look(
            *[vm(each, extensions=[extension("a", "succeeded"), extension("b", "succeeded")]) for each in range(3)],
            extensions=circle,
        )
    ).passes


@pytest.mark.parametrize(
    ("model", "seen", "words"),
    [
        (
            {"resiliencyPolicy": {"resilientVMCreationPolicy": {"enabled": True}}},
            vm(2, "creating"),
            "resilient VM creation",
        ),
        (
            {"resiliencyPolicy": {"resilientVMCreationPolicy": {"enabled": True}}},
            vm(2, "failed/AllocationFailed"),
            "resilient VM creation",
        ),
        (
            {"resiliencyPolicy": {"resilientVMDeletionPolicy": {"enabled": True}}},
            vm(2, "deleting"),
            "resilient VM deletion",
        ),
        ({"spotRestorePolicy": {"enabled": True}}, None, "spot restore"),
        (
            {"upgradePolicy": {"mode": "Automatic", "automaticOSUpgradePolicy": {"osRollingUpgradeDeferral": True}}},
            vm(2, latest=False),
            "approval",
        ),
    ],
)
def test_what_azure_does_of_its_own_accord_is_named(
    model: dict[str, Any], seen: dict[str, Any] | None, words: str
) -> None:
    verdict = judge(look(vm(0), vm(1), *([seen] if seen else []), model=model))
    assert any(words in each.hint for each in verdict.reasons)


def test_a_rebalancing_of_zones_under_way_is_on_the_status_line() -> None:
    service = {
        "serviceName": "AutomaticZoneRebalancing",
        "serviceState": "Running",
        "latestOperationStatus": "InProgress",
    }
    seen = look(*THREE)
    view = replace(
        seen.view,
        orchestration_services=InstanceView.from_json({"orchestrationServices": [service]}).orchestration_services,
    )
    assert "at work" not in status_line(Progress(1, 20, 1, seen, judge(seen)))
    assert "AutomaticZoneRebalancing running" in status_line(Progress(1, 20, 1, replace(seen, view=view), judge(seen)))


def test_flexible_sets_are_looked_at_by_commands_that_know_them() -> None:
    seen = look(vm(0), vm(1), vm(2, health="unhealthy"), model=FLEXIBLE)
    where = "\n".join(failure_lines(outcome(seen), WEB))
    assert f"az vm list --vmss {WEB} --subscription 0b1f -d" in where
    assert "az vm get-instance-view --ids /vms/web_2" in where
    assert "az vmss list-instances" not in where
    uniform = "\n".join(failure_lines(outcome(look(vm(0), vm(1), vm(2, health="unhealthy"))), WEB))
    assert "az vmss list-instances -g rg -n web --subscription 0b1f --expand instanceView --query" in uniform


def test_lines_of_our_own_fit_a_hundred_columns() -> None:
    seen = look(vm(0), vm(1, power="stopped"), vm(2, "failed/OSProvisioningTimedOut", health="unhealthy"))
    for line in failure_lines(outcome(seen, elapsed=timedelta(minutes=20).total_seconds()), WEB):
        assert len(line) <= 110 or line.startswith(("look closer: ", "apply ")), line
