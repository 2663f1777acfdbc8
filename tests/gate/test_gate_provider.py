"""The provider's methods as the engine calls them, without an engine: every undocumented mechanism is missing here."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from pulumi.dynamic import Config, ConfigureRequest
from pulumi.output import UNKNOWN
from pulumi.runtime.proto import provider_pb2, status_pb2
from tests.gate.azure import AT_ONCE, running, settled

from pulumi_vmss_health import gate, gating
from pulumi_vmss_health.evidence.reading import read
from pulumi_vmss_health.gate import HealthGateProvider, _asked
from vmss_emulator import Emulator
from vmss_instance_view.model import InstanceView
from vmss_instance_view.pulumi import calls
from vmss_instance_view.pulumi.calls import Call, CallFailed, PartialFailure
from vmss_instance_view.resource import InstanceViewProvider

LONG_AGO = "2026-01-01T00:00:00+00:00"
ID = "/subscriptions/0b1f/resourceGroups/rg/providers/Microsoft.Compute/virtualMachineScaleSets/web"


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    with running(monkeypatch) as emulator:
        yield emulator


@pytest.fixture
def provider(request: pytest.FixtureRequest) -> HealthGateProvider:
    if "azure" in request.fixturenames:
        request.getfixturevalue("azure")  # a provider is configured in the environment that it will read in
    gate = HealthGateProvider()
    gate.configure(ConfigureRequest(Config({}, "project")))
    return gate


def test_what_cannot_work_is_refused_in_check_by_the_name_of_its_input(provider: HealthGateProvider) -> None:
    result = provider.check({}, {"scaleSet": "web", "policy": {"timeout": "soon"}})
    assert {failure.property for failure in result.failures} == {"scaleSet", "policy"}


def test_what_is_not_known_yet_is_not_checked_yet(provider: HealthGateProvider) -> None:
    assert not provider.check({}, {"scaleSet": UNKNOWN, "policy": {}}).failures


@pytest.mark.parametrize(
    ("known", "given"),
    [
        (ID, f"{ID}/"),
        (ID, ID.replace("resourceGroups", "resourcegroups")),
        (ID, ID.upper().replace("/SUBSCRIPTIONS", "/subscriptions")),
        (f"{ID}/", ID),
    ],
)
def test_an_id_that_is_only_spelled_otherwise_is_no_change(
    provider: HealthGateProvider, known: str, given: str
) -> None:
    for resource in (provider, InstanceViewProvider()):
        assert resource.check({"scaleSet": known}, {"scaleSet": given, "policy": {}}).inputs["scaleSet"] == known


@pytest.mark.parametrize("given", [f"{ID}2", UNKNOWN, "web"])
def test_another_id_is_a_change(provider: HealthGateProvider, given: object) -> None:
    assert provider.check({"scaleSet": ID}, {"scaleSet": given}).inputs["scaleSet"] is given
    assert provider.check({}, {"scaleSet": given}).inputs["scaleSet"] is given


@pytest.mark.parametrize("state", ["healthy", "warned", "skipped"])
def test_a_gate_that_passed_leaves_the_comparison_to_the_engine(provider: HealthGateProvider, state: str) -> None:
    assert provider.diff("id", {"state": state}, {}).changes is None


@pytest.mark.parametrize("state", ["failing", "timedOut", "unreadable", "deleted", "cancelled", "progressing", None])
def test_a_gate_that_did_not_pass_is_a_change_by_itself(provider: HealthGateProvider, state: str | None) -> None:
    assert provider.diff("id", {"state": state}, {}).changes is True


def test_a_gate_may_be_asked_to_gate_in_every_update(provider: HealthGateProvider) -> None:
    assert provider.diff("id", {"state": "healthy"}, {"recheck": "always"}).changes is True


def test_without_an_engine_a_gate_still_passes(provider: HealthGateProvider, azure: Emulator) -> None:
    inputs = {"scaleSet": azure.put_scale_set("web"), "policy": {"hold": "0s"}, "__provider": "x"}
    outputs = provider.create(inputs).outs
    assert outputs is not None
    assert (outputs["healthy"], outputs["state"]) == (True, "healthy")
    assert outputs["policy"] == {"hold": "0s"}


def test_where_evidence_is_written_is_no_input(provider: HealthGateProvider, tmp_path: Path) -> None:
    asked = {"scaleSet": ID, "policy": {}}
    result = provider.check({}, {**asked, "evidenceFile": str(tmp_path / "web.json")})
    assert (result.inputs, result.failures) == (asked, [])
    assert [*tmp_path.iterdir()] == []


def test_evidence_is_written_for_the_gate_that_asked_for_it_and_for_no_other(
    provider: HealthGateProvider, azure: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    urn = ["urn:a::web"]
    monkeypatch.setattr(gate, "current_call", lambda: Call(urn[0]))
    inputs = {"scaleSet": azure.put_scale_set("web"), "policy": {"hold": "0s"}}
    file = tmp_path / "web.json"
    provider.check({}, {**inputs, "evidenceFile": str(file)})
    urn[0] = "urn:a::other"
    refused = provider.check({}, {**inputs, "evidenceFile": str(file)}).failures
    assert [(each.property, each.reason) for each in refused] == [
        ("evidenceFile", f"{file} is the file of gate web: each gate needs one of its own")
    ]
    provider.create(inputs)
    assert not file.exists()
    urn[0] = "urn:a::web"
    provider.update("id", {**inputs, "evidence": {"passedAt": LONG_AGO}}, inputs)
    (wait,) = read(file)["waits"]
    assert (wait["passedBefore"], wait["beforeFirstPass"]) == (LONG_AGO, False)


def test_a_disk_that_is_full_at_the_end_is_a_warning_and_no_other_verdict(
    provider: HealthGateProvider, azure: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_file: Path, _text: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    told: list[str] = []
    monkeypatch.setattr(gate, "current_call", lambda: Call("urn:a::web"))
    monkeypatch.setattr(Call, "warn", lambda _call, text: told.append(text))
    monkeypatch.setattr(gating, "write", full)
    inputs = {"scaleSet": azure.put_scale_set("web"), "policy": {"hold": "0s"}}
    provider.check({}, {**inputs, "evidenceFile": str(tmp_path / "web.json")})
    outputs = provider.create(inputs).outs
    assert outputs is not None
    assert outputs["healthy"]
    (warned,) = (" ".join(each.split()) for each in told if "evidence" in each)
    assert "the evidence could not be written" in warned
    assert "No space left on device" in warned


def test_without_an_engine_a_gate_still_fails_with_its_reasons(provider: HealthGateProvider, azure: Emulator) -> None:
    unhealthy = {"instances": [1], "health": "unhealthy"}
    azure.load({"scale_sets": {"*": {**AT_ONCE, "events": [unhealthy]}}})
    inputs = {"scaleSet": azure.put_scale_set("web", health=True), "policy": {"timeout": "1s", "hold": "0s"}}
    with pytest.raises(PartialFailure) as failed:
        provider.create(inputs)
    assert "instance 1: application health unhealthy" in str(failed.value)


@pytest.mark.parametrize("mode", ["Uniform", "Flexible"])
def test_the_evidence_counts_looks_and_what_they_asked_of_azure(
    provider: HealthGateProvider, azure: Emulator, mode: str
) -> None:
    other = azure.put_scale_set("other")
    web = azure.put_scale_set("web", health=True, orchestration_mode=mode)
    provider.create({"scaleSet": other, "policy": {"hold": "0s"}})
    before = len(azure.requests)
    outputs = provider.create({"scaleSet": web, "policy": {"hold": "1s"}}).outs
    assert outputs is not None
    assert outputs["evidence"]["looks"] == 2
    assert outputs["evidence"]["requests"] == len(azure.requests) - before


def test_what_kept_the_last_look_from_seeing_is_a_stored_reason(provider: HealthGateProvider, azure: Emulator) -> None:
    web = azure.put_scale_set("web")
    azure.load({"faults": [{"match": "GET */web", "status": 400, "code": "BadRequest", "message": "no such version"}]})
    outputs = provider.create({"scaleSet": web, "onFailure": "warn"}).outs
    assert outputs is not None
    assert (outputs["healthy"], outputs["state"]) == (False, "warned")
    reason = outputs["reasons"][0]
    assert (reason["code"], reason["state"]) == ("Rejected", "progressing")
    assert "no such version" in reason["message"]


def test_a_skipped_gate_looks_at_nothing_and_says_so(provider: HealthGateProvider, azure: Emulator) -> None:
    outputs = provider.create({"scaleSet": ID, "skip": True}).outs
    assert outputs is not None
    assert (outputs["healthy"], outputs["state"]) == (False, "skipped")
    assert azure.requests == ()


def test_a_gate_that_only_warns_lets_the_stack_go_on_and_tells_the_truth(
    provider: HealthGateProvider, azure: Emulator
) -> None:
    azure.load({"scale_sets": {"*": {**AT_ONCE, "events": [{"power": "stopped"}]}}})
    inputs = {"scaleSet": azure.put_scale_set("web"), "policy": {"timeout": "1s", "hold": "0s"}, "onFailure": "warn"}
    outputs = provider.create(inputs).outs
    assert outputs is not None
    assert (outputs["healthy"], outputs["state"]) == (False, "warned")
    assert outputs["reasons"][0]["code"] == "VmNotRunning"


def test_a_pass_that_judged_nothing_warns_of_it(
    provider: HealthGateProvider, azure: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    outputs = provider.create({"scaleSet": azure.put_scale_set("web", capacity=0)}).outs
    assert outputs is not None
    assert outputs["healthy"] is True
    assert "the capacity is 0: there are no VMs to judge" in capsys.readouterr().err


def test_a_refresh_takes_no_pass_back_for_one_vm_too_many(provider: HealthGateProvider, azure: Emulator) -> None:
    azure.load({"scale_sets": {"*": {**AT_ONCE, "surplus": 1, "surplus_stays": "1h"}}})
    stored = {"scaleSet": settled(azure, capacity=2), "state": "healthy", "healthy": True}
    assert provider.read("id", stored).outs == stored


def test_an_id_that_turns_out_to_be_none_is_refused(provider: HealthGateProvider) -> None:
    with pytest.raises(CallFailed, match="no leading '/'"):
        provider.create({"scaleSet": "web"})


def test_a_policy_that_another_version_stored_is_refused_in_a_refresh_too(provider: HealthGateProvider) -> None:
    with pytest.raises(CallFailed, match="fields that this version does not know: soonest"):
        provider.read("id", {"scaleSet": ID, "policy": {"soonest": True}, "state": "healthy"})


@pytest.mark.parametrize("stored", ["timedOut", "healthy"])
def test_a_refresh_drops_the_gate_of_a_set_that_is_gone(
    provider: HealthGateProvider, azure: Emulator, stored: str
) -> None:
    gone = azure.put_scale_set("web").replace("/web", "/gone")
    assert provider.read("id", {"scaleSet": gone, "state": stored}).id == ""


def test_a_refresh_that_sees_nothing_keeps_a_pass_and_keeps_a_failure(
    provider: HealthGateProvider, azure: Emulator
) -> None:
    inputs: dict[str, Any] = {"scaleSet": azure.put_scale_set("web")}
    azure.load({"faults": [{"match": "GET */virtualMachineScaleSets/*", "status": 503}]})
    passed = {**inputs, "state": "healthy"}
    assert provider.read("id", passed).outs == passed
    with pytest.raises(PartialFailure, match="the next `pulumi up` runs this gate again"):
        provider.read("id", {**inputs, "state": "failing"})


def unhealthy(azure: Emulator) -> None:
    azure.load({"scale_sets": {"*": {**AT_ONCE, "events": [{"instances": [1], "health": "unhealthy"}]}}})


def test_an_update_gates_again_and_remembers_when_the_gate_last_passed(
    provider: HealthGateProvider, azure: Emulator
) -> None:
    inputs = {"scaleSet": azure.put_scale_set("web", health=True), "policy": {"hold": "0s", "timeout": "1s"}}
    first = provider.create(inputs).outs
    assert first is not None
    unhealthy(azure)
    with pytest.raises(PartialFailure):
        provider.update("id", first, inputs)
    azure.load({"scale_sets": {"*": AT_ONCE}})
    later = provider.update("id", {**inputs, "evidence": {"passedAt": LONG_AGO}}, inputs).outs
    assert later is not None
    assert later["evidence"]["passedAt"] > "2026-01-01"


def test_a_model_that_nobody_applied_is_a_warning_until_the_gate_has_passed_and_then_a_failure(
    provider: HealthGateProvider, azure: Emulator
) -> None:
    scale_set = azure.put_scale_set("web", extensions=["a"])
    azure.put_scale_set("web", extensions=["a", "b"])  # a Manual policy: the VMs keep the old model
    inputs = {"scaleSet": scale_set, "policy": {"hold": "0s", "timeout": "20s", "confirmFailure": "0s"}}
    outputs = provider.create(inputs).outs
    assert outputs is not None
    assert [reason["code"] for reason in outputs["reasons"]] == ["OlderModelAllowed"]
    with pytest.raises(PartialFailure, match="az vmss update-instances"):
        provider.update("id", outputs, inputs)
    # A skip in between does not make the gate forget that it has passed.
    skipped = provider.update("id", outputs, {**inputs, "skip": True}).outs
    assert skipped is not None
    with pytest.raises(PartialFailure, match="az vmss update-instances"):
        provider.update("id", skipped, inputs)


def test_a_gate_at_another_set_than_before_has_not_passed_yet(provider: HealthGateProvider, azure: Emulator) -> None:
    inputs = {"scaleSet": azure.put_scale_set("blue"), "policy": {"hold": "0s", "timeout": "20s"}}
    before = provider.create(inputs).outs
    assert before is not None
    azure.put_scale_set("green", extensions=["a"])
    green = azure.put_scale_set("green", extensions=["a", "b"])  # a Manual policy: the VMs keep the old model
    after = provider.update("id", {**before, "evidence": {"passedAt": LONG_AGO}}, {**inputs, "scaleSet": green}).outs
    assert after is not None
    assert [reason["code"] for reason in after["reasons"]] == ["OlderModelAllowed"]


def test_an_upgrade_that_failed_is_still_this_deployments_when_the_gate_runs_again(
    provider: HealthGateProvider, azure: Emulator
) -> None:
    scale_set = settled(azure, extensions=["a"], health=True, upgrade_mode="Rolling")
    broken = {**AT_ONCE, "patience": "0s", "events": [{"put": 2, "at": "0s", "health": "unhealthy"}]}
    azure.load({"scale_sets": {"*": broken}})
    azure.put_scale_set("web", extensions=["a", "b"], health=True, upgrade_mode="Rolling")
    inputs = {"scaleSet": scale_set, "policy": {"hold": "0s", "timeout": "20s", "confirmFailure": "0s"}}
    with pytest.raises(PartialFailure, match="the rolling upgrade ended Faulted"):
        provider.create(inputs)
    # Everything is well again, but for the upgrade that never reached two of the instances.
    broken["events"] = [*broken["events"], {"put": 2, "at": "1s", "heal": True}]
    azure.load({"scale_sets": {"*": broken}})
    failed = {**inputs, "evidence": {"endedAt": datetime.now(timezone.utc).isoformat(timespec="seconds")}}
    with pytest.raises(PartialFailure, match="the rolling upgrade ended Faulted"):
        provider.update("id", failed, inputs)


def test_a_refresh_keeps_a_pass_that_still_holds_and_lowers_one_that_does_not(
    provider: HealthGateProvider, azure: Emulator
) -> None:
    stored = {"scaleSet": settled(azure, health=True), "state": "healthy"}
    assert provider.read("id", stored).outs == stored
    unhealthy(azure)
    with pytest.raises(PartialFailure, match="was healthy and is not any more"):
        provider.read("id", stored)


def test_a_refresh_of_an_armed_gate_says_how_the_set_is_and_stays_armed(
    provider: HealthGateProvider, azure: Emulator
) -> None:
    stored = {"scaleSet": settled(azure, health=True), "state": "timedOut", "message": "not healthy"}
    with pytest.raises(PartialFailure, match="the set is healthy now"):
        provider.read("id", stored)
    unhealthy(azure)
    with pytest.raises(PartialFailure, match="instance 1: application health unhealthy"):
        provider.read("id", stored)


@pytest.mark.parametrize("state", ["skipped", "warned"])
def test_a_refresh_does_not_judge_what_the_user_let_pass(
    provider: HealthGateProvider, azure: Emulator, state: str
) -> None:
    stored = {"scaleSet": ID, "state": state, "policy": {"soonest": "of another version"}}
    assert provider.read("id", stored).outs == stored
    assert azure.requests == ()


def test_the_resources_own_time_out_wins_over_the_policys() -> None:
    asked = _asked(Call(), {"scaleSet": ID, "policy": {"timeout": "30m"}}, 45.0)
    assert asked.policy.timeout_seconds == 45
    with pytest.raises(CallFailed, match=r"hold \(1m\) must be shorter than timeout \(45s\)"):
        _asked(Call(), {"scaleSet": ID, "policy": {"hold": "1m"}}, 45.0)


class Recorder(Call):
    """A call that keeps what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[str, Any] = {}
        self.warned: list[str] = []

    def warn(self, text: str) -> None:
        self.warned.append(text)

    def partial_failure(self, resource_id: str, outputs: Mapping[str, Any], reasons: Sequence[str]) -> PartialFailure:
        self.kept = dict(outputs)
        return super().partial_failure(resource_id, outputs, reasons)


NOT_STORED = "statuses: not stored, for Pulumi cannot store what it holds"


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """A call in which the view holds what no state can, as a later reader might let through."""
    recorder, to_json = Recorder(), InstanceView.to_json
    monkeypatch.setattr(gate, "current_call", lambda: recorder)
    monkeypatch.setattr(InstanceView, "to_json", lambda view: {**to_json(view), "statuses": [{"message": "\ud83d"}]})
    return recorder


def test_a_failed_verdict_that_cannot_be_stored_whole_is_stored_without_what_cannot(
    provider: HealthGateProvider, azure: Emulator, call: Recorder
) -> None:
    unhealthy(azure)
    inputs = {"scaleSet": azure.put_scale_set("web", health=True), "policy": {"timeout": "1s", "hold": "0s"}}
    with pytest.raises(PartialFailure):
        provider.update("id", {"state": "healthy", "healthy": True}, inputs)
    assert (call.kept["state"], call.kept["healthy"]) == ("timedOut", False)
    assert call.kept["message"].startswith("scale set web is not healthy after ")
    assert call.kept["reasons"][0]["code"] == "ApplicationNotHealthy"
    assert "statuses" not in call.kept
    assert call.warned == [NOT_STORED]

    outputs = provider.update("id", {}, {**inputs, "onFailure": "warn"}).outs
    assert outputs is not None
    assert (outputs["state"], outputs["healthy"]) == ("warned", False)
    assert "statuses" not in outputs


def test_a_pass_that_cannot_be_stored_whole_is_one_and_says_what_is_missing(
    provider: HealthGateProvider, azure: Emulator, call: Recorder
) -> None:
    outputs = provider.create({"scaleSet": azure.put_scale_set("web"), "policy": {"hold": "0s"}}).outs
    assert outputs is not None
    assert (outputs["state"], outputs["healthy"]) == ("healthy", True)
    assert "statuses" not in outputs
    assert call.warned == [NOT_STORED]


def test_a_refresh_that_cannot_store_all_that_it_saw_lowers_the_verdict_all_the_same(
    provider: HealthGateProvider, azure: Emulator, call: Recorder
) -> None:
    stored = {"scaleSet": settled(azure, health=True), "state": "healthy", "healthy": True, "statuses": []}
    unhealthy(azure)
    with pytest.raises(PartialFailure, match="was healthy and is not any more"):
        provider.read("id", stored)
    assert (call.kept["state"], call.kept["healthy"]) == ("progressing", False)
    assert "statuses" not in call.kept


@pytest.mark.parametrize("value", ["\ud83d", 10**400, [{"a": object()}], {"\ud83d": 1}])
def test_a_partial_failure_keeps_whatever_can_be_kept(value: Any) -> None:
    status = status_pb2.Status.FromString(calls._init_failed("id", {"state": "failing", "bad": value}, ["why"]))
    kept = provider_pb2.ErrorResourceInitFailed()
    assert status.details[0].Unpack(kept)
    assert (kept.id, dict(kept.properties), list(kept.reasons)) == ("id", {"state": "failing"}, ["why"])
