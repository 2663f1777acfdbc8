"""A fleet's gate as the engine calls it, on the emulator, without an engine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pulumi.dynamic import Config, ConfigureRequest
from pulumi.output import UNKNOWN
from tests.gate.azure import AT_ONCE, running

from pulumi_vmss_health import fleet_gate
from pulumi_vmss_health.fleet_gate import FleetGateProvider
from pulumi_vmss_health.fleets.asked import AskedOfFleet
from pulumi_vmss_health.fleets.stored import totals
from vmss_emulator import Emulator
from vmss_instance_view.pulumi.calls import Call, CallFailed, PartialFailure

ID = "/subscriptions/0b1f/resourceGroups/rg/providers/Microsoft.Compute/virtualMachineScaleSets/web"
ILL = {**AT_ONCE, "events": [{"instances": [1], "health": "unhealthy"}]}
QUICK = {"timeout": "6s", "hold": "0s"}


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    with running(monkeypatch) as emulator:
        yield emulator


@pytest.fixture
def provider(request: pytest.FixtureRequest) -> FleetGateProvider:
    if "azure" in request.fixturenames:
        request.getfixturevalue("azure")  # a provider is configured in the environment that it will read in
    gate = FleetGateProvider()
    gate.configure(ConfigureRequest(Config({}, "project")))
    return gate


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The warnings of the gate."""
    lines: list[str] = []
    monkeypatch.setattr(Call, "warn", lambda _call, text: lines.append(" ".join(text.split())))
    return lines


def fleet(azure: Emulator, **more: Any) -> dict[str, Any]:
    """Inputs for three sets, one of them Flexible."""
    modes = {"a": "Uniform", "b": "Flexible", "c": "Uniform"}
    ids = {name: azure.put_scale_set(name, health=True, orchestration_mode=mode) for name, mode in modes.items()}
    return {"scaleSets": ids, "policy": QUICK, **more}


def gone(*names: str) -> dict[str, Any]:
    """A timeline in which these sets are not there."""
    not_found = {"status": 404, "code": "ResourceNotFound", "message": "was not found"}
    faults = [{"match": f"GET */virtualMachineScaleSets/{name}", **not_found} for name in names]
    return {"scale_sets": {"*": AT_ONCE}, "faults": faults}


def created(provider: FleetGateProvider, inputs: dict[str, Any]) -> dict[str, Any]:
    outputs = provider.create(inputs).outs
    assert outputs is not None
    return outputs


def test_a_fleet_that_is_healthy_passes_and_tells_of_each_set(provider: FleetGateProvider, azure: Emulator) -> None:
    inputs = fleet(azure)
    outputs = created(provider, inputs)
    assert (outputs["healthy"], outputs["state"]) == (True, "healthy")
    assert (outputs["healthySets"], outputs["requiredSets"]) == (3, 3)
    assert outputs["scaleSetIds"] == inputs["scaleSets"]
    assert {name: each["orchestrationMode"] for name, each in outputs["sets"].items()} == {
        "a": "Uniform",
        "b": "Flexible",
        "c": "Uniform",
    }
    assert outputs["sets"]["a"]["message"].startswith("scale set a is healthy after")
    assert outputs["reasons"] == []
    assert outputs["evidence"]["requests"] == sum(
        "virtualMachine" in each.path and each.method == "GET" for each in azure.requests
    )


def test_the_keys_that_a_fleet_stores_are_those_that_users_states_hold(
    provider: FleetGateProvider, azure: Emulator
) -> None:
    inputs = {"scaleSets": {"a": azure.put_scale_set("a")}, "policy": QUICK}
    outputs = created(provider, inputs)
    assert outputs.keys() - inputs.keys() == {
        "healthy", "state", "message", "reasons", "sets", "healthySets", "requiredSets", "scaleSetIds", "evidence",
    }  # fmt: skip
    assert outputs["sets"]["a"].keys() == {
        "scaleSetId", "healthy", "state", "message", "reasons", "orchestrationMode", "capacity", "passedAt",
    }  # fmt: skip
    assert outputs["evidence"].keys() == {"looks", "requests", "elapsedSeconds", "limitSeconds", "endedAt"}


def test_a_fleet_that_fails_keeps_what_passed_and_the_next_run_looks_only_at_the_rest(
    provider: FleetGateProvider, azure: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[dict[str, Any]] = []
    partial_failure = Call.partial_failure

    def keep(call: Call, id_: str, outputs: dict[str, Any], lines: list[str]) -> PartialFailure:
        kept.append(dict(outputs))
        return partial_failure(call, id_, outputs, lines)

    monkeypatch.setattr(Call, "partial_failure", keep)
    azure.load({"scale_sets": {"*": AT_ONCE, "b": ILL}})
    inputs = fleet(azure)
    with pytest.raises(PartialFailure) as failed:
        provider.create(inputs)
    text = " ".join(str(failed.value).split())
    assert text.startswith("2 of 3 scale sets are healthy after 6s, which is the timeout of the policy; all are needed")
    assert ": application health unhealthy, want healthy (2 of 3 pass, 3 required)" in text
    (stored,) = kept
    assert {name: each["state"] for name, each in stored["sets"].items()} == {
        "a": "healthy",
        "b": "timedOut",
        "c": "healthy",
    }
    assert provider.diff("id", stored, inputs).changes is True

    azure.load({"scale_sets": {"*": AT_ONCE}})
    before = len(azure.requests)
    outputs = provider.update("id", stored, inputs).outs
    assert outputs is not None
    assert outputs["healthy"]
    asked = {each.path for each in azure.requests[before:]}
    assert asked
    assert not [path for path in asked if "/virtualMachineScaleSets/a" in path or "/virtualMachineScaleSets/c" in path]
    assert outputs["sets"]["a"] == stored["sets"]["a"]


@pytest.mark.parametrize(
    ("change", "looked_at"),
    [
        ({"triggers": ["new"]}, {"a", "b", "c"}),
        ({"policy": {**QUICK, "powerState": "ignored"}}, {"a", "b", "c"}),
        ({"recheck": "always"}, {"a", "b", "c"}),
        ({"setTriggers": {"b": ["new"]}}, {"b"}),
        ({"minHealthySets": 2}, set()),
    ],
)
def test_a_change_gates_again_what_it_concerns(
    provider: FleetGateProvider, azure: Emulator, change: dict[str, Any], looked_at: set[str]
) -> None:
    inputs = fleet(azure)
    stored = created(provider, inputs)
    before = len(azure.requests)
    outputs = provider.update("id", stored, {**inputs, **change}).outs
    assert outputs is not None
    assert outputs["healthy"]
    paths = [each.path for each in azure.requests[before:]]
    assert {name for name in "abc" if any(f"/virtualMachineScaleSets/{name}" in path for path in paths)} == looked_at


def test_another_set_under_a_name_is_looked_at(provider: FleetGateProvider, azure: Emulator) -> None:
    inputs = fleet(azure)
    stored = created(provider, inputs)
    azure.load({"scale_sets": {"*": AT_ONCE, "other": ILL}})
    other = azure.put_scale_set("other", health=True)
    with pytest.raises(PartialFailure, match="2 of 3 scale sets are healthy"):
        provider.update("id", stored, {**inputs, "scaleSets": {**inputs["scaleSets"], "b": other}})


def test_another_set_under_a_name_has_passed_only_when_it_has_itself(
    provider: FleetGateProvider, azure: Emulator
) -> None:
    blue, green = (azure.put_scale_set(name, extensions=["a"]) for name in ("blue", "green"))
    azure.put_scale_set("green", extensions=["a", "b"])  # a Manual policy: its VMs keep the old model
    inputs = {"scaleSets": {"web": blue}, "policy": {"timeout": "20s", "hold": "0s", "confirmFailure": "0s"}}
    stored = created(provider, inputs)
    moved = {**inputs, "scaleSets": {"web": green}}
    outputs = provider.update("id", stored, moved).outs
    assert outputs is not None
    assert [each["code"] for each in outputs["sets"]["web"]["reasons"]] == ["OlderModelAllowed"], "its first pass"
    for given, is_known in ((moved, False), ({**inputs, "scaleSets": {"web": f"{blue}/"}}, True)):
        skipped = provider.update("id", stored, {**given, "skip": True}).outs
        assert skipped is not None
        assert ("passedAt" in skipped["sets"]["web"]) is is_known


def test_enough_healthy_sets_let_the_stack_go_on_with_a_warning_of_those_that_fail(
    provider: FleetGateProvider, azure: Emulator, told: list[str]
) -> None:
    azure.load({"scale_sets": {"*": AT_ONCE, "c": {**AT_ONCE, "events": [{"extension": "cse", "state": "failed/1"}]}}})
    ids = {"a": azure.put_scale_set("a"), "b": azure.put_scale_set("b")}
    ids["c"] = azure.put_scale_set("c", extensions=["cse"])
    policy = {"timeout": "20s", "hold": "3s"}
    outputs = created(provider, {"scaleSets": ids, "minHealthySets": 2.0, "policy": policy})
    assert (outputs["healthy"], outputs["healthySets"], outputs["requiredSets"]) == (True, 2, 2)
    (warned,) = told
    assert warned.startswith("2 of 3 scale sets are healthy after")
    assert "c: instances 0, 1 and 2: extension cse failed/1" in warned


def test_a_fleet_that_only_warns_tells_the_truth(provider: FleetGateProvider, azure: Emulator, told: list[str]) -> None:
    azure.load({"scale_sets": {"*": AT_ONCE, "b": ILL}})
    outputs = created(provider, fleet(azure, onFailure="warn"))
    assert (outputs["healthy"], outputs["state"]) == (False, "warned")
    assert outputs["reasons"][0]["subject"].startswith("b: instance")
    assert "2 of 3 scale sets are healthy" in told[0]


def test_a_skipped_fleet_looks_at_nothing(provider: FleetGateProvider, azure: Emulator) -> None:
    outputs = created(provider, {"scaleSets": {"a": ID}, "skip": True})
    assert (outputs["healthy"], outputs["state"], outputs["healthySets"]) == (False, "skipped", 0)
    assert outputs["scaleSetIds"] == {"a": ID}
    assert azure.requests == ()
    assert provider.read("id", outputs).outs == outputs


# --- Refresh ----------------------------------------------------------------------------------------------------------


def test_a_refresh_changes_nothing_while_enough_sets_are_healthy(provider: FleetGateProvider, azure: Emulator) -> None:
    stored = created(provider, fleet(azure))
    assert provider.read("id", stored).outs == stored


def test_a_refresh_lowers_a_set_that_is_healthy_no_more_and_the_gate_with_it_where_it_is_needed(
    provider: FleetGateProvider, azure: Emulator
) -> None:
    stored = {**created(provider, fleet(azure)), "minHealthySets": 2.0, "requiredSets": 2}
    azure.load({"scale_sets": {"*": AT_ONCE, "b": ILL}})
    outputs = provider.read("id", stored).outs
    assert outputs is not None
    assert (outputs["healthy"], outputs["state"], outputs["healthySets"]) == (True, "healthy", 2)
    assert (outputs["sets"]["b"]["healthy"], outputs["sets"]["b"]["state"]) == (False, "progressing")

    azure.load({"scale_sets": {"*": AT_ONCE, "c": ILL}})
    again = provider.read("id", outputs).outs
    assert again is not None
    assert (again["healthy"], again["healthySets"]) == (True, 2)
    assert (again["sets"]["b"]["state"], again["sets"]["c"]["state"]) == ("recovered", "progressing")
    before = len(azure.requests)
    assert provider.update("id", again, stored).outs is not None
    asked = " ".join(each.path for each in azure.requests[before:])
    assert "/virtualMachineScaleSets/b" in asked
    assert "/virtualMachineScaleSets/a" not in asked

    azure.load({"scale_sets": {"*": AT_ONCE, "b": ILL, "c": ILL}})
    with pytest.raises(PartialFailure) as failed:
        provider.read("id", stored)
    assert str(failed.value).startswith("1 of 3 scale sets is healthy, 2 were")
    assert "b, c: instance" in " ".join(str(failed.value).split())


def test_a_refresh_never_raises_what_failed(provider: FleetGateProvider, azure: Emulator) -> None:
    stored = {**created(provider, fleet(azure)), "state": "timedOut", "healthy": False, "message": "2 of 3"}
    with pytest.raises(PartialFailure) as failed:
        provider.read("id", stored)
    assert "the next `pulumi up` runs this gate again: 2 of 3" in " ".join(str(failed.value).split())
    assert "all sets are healthy now" in str(failed.value)


def test_a_set_that_is_gone_counts_as_lost_and_a_fleet_whose_sets_are_all_gone_leaves_the_state(
    provider: FleetGateProvider, azure: Emulator
) -> None:
    stored = created(provider, fleet(azure))
    azure.load(gone("a"))
    with pytest.raises(PartialFailure, match="2 of 3 scale sets are healthy, 3 were") as failed:
        provider.read("id", stored)
    assert str(failed.value).splitlines()[1:] == ["a: not there any more"]
    with pytest.raises(PartialFailure, match="runs this gate again") as failed:
        provider.read("id", {**stored, "state": "timedOut"})
    assert str(failed.value).splitlines()[-1] == "a: not there any more"
    azure.load(gone("a", "b", "c"))
    assert provider.read("id", stored).id == ""


def test_a_refresh_that_cannot_read_a_set_says_so_and_keeps_what_was(
    provider: FleetGateProvider, azure: Emulator, told: list[str]
) -> None:
    stored = created(provider, fleet(azure))
    azure.load({"scale_sets": {"*": AT_ONCE}, "faults": [{"match": "GET */virtualMachineScaleSets/a", "status": 500}]})
    assert provider.read("id", stored).outs == stored
    (warned,) = told
    assert warned.startswith("could not check the health of a: ")


# --- Check ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("inputs", "name", "told_"),
    [
        ({"scaleSets": {}}, "scaleSets", "scale_sets must name at least one scale set"),
        ({"scaleSets": {"a": "web"}}, "scaleSets", "scale_sets['a']: no leading '/' in scale set id 'web'"),
        ({"scaleSets": {"b": ID, "a": ID}}, "scaleSets", "scale_sets: 'a' and 'b' are the same scale set"),
        ({"scaleSets": {"a": ID, "b": ID.upper().replace("/SUBSCRIPTIONS", "/subscriptions")}}, "scaleSets", "same"),
        ({"scaleSets": {"a": ID}, "minHealthySets": 2.0}, "minHealthySets", "(2) must not be more than the number"),
        ({"scaleSets": {"a": ID}, "policy": {"timeout": "soon"}}, "policy", "timeout"),
    ],
)
def test_what_cannot_work_is_refused_in_check(
    provider: FleetGateProvider, inputs: dict[str, Any], name: str, told_: str
) -> None:
    (failure,) = provider.check({}, inputs).failures
    assert failure.property == name
    assert told_ in failure.reason


def test_sets_are_told_in_the_order_of_their_names_whatever_that_is_in_which_pulumi_passes_them() -> None:
    asked = AskedOfFleet.by({"scaleSets": {"b": f"{ID}2", "a": ID}}, None, "")
    assert list(asked.sets) == ["a", "b"]


def test_reasons_have_the_order_of_the_sets_names_whatever_that_is_in_which_pulumi_passes_them() -> None:
    ill = {"healthy": False, "scaleSetId": ID, "reasons": [{"subject": "VMs", "message": "1 of 2 succeeded"}]}
    told = totals({"b": ill, "a": ill}, 1)["reasons"]
    assert [each["subject"] for each in told] == ["a: VMs", "b: VMs"]
    assert [each["message"] for each in told] == ["a: 1 of 2 succeeded", "b: 1 of 2 succeeded"]


def test_what_is_not_known_yet_is_checked_when_it_is(provider: FleetGateProvider) -> None:
    assert not provider.check({}, {"scaleSets": {"a": UNKNOWN, "b": ID}, "policy": {}}).failures
    assert not provider.check({}, {"scaleSets": UNKNOWN, "policy": {}, "minHealthySets": 3}).failures


def test_an_id_that_is_only_spelled_otherwise_is_no_change(provider: FleetGateProvider) -> None:
    known = {"a": ID, "b": f"{ID}2"}
    given = {"a": f"{ID}/", "b": f"{ID}3"}
    assert provider.check({"scaleSets": known}, {"scaleSets": given}).inputs["scaleSets"] == {"a": ID, "b": f"{ID}3"}


def test_inputs_that_this_version_does_not_understand_fail_the_call_without_a_traceback(
    provider: FleetGateProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet_gate, "current_call", Call)
    with pytest.raises(CallFailed, match="the policy has fields that this version does not know: newField"):
        provider.create({"scaleSets": {"a": ID}, "policy": {"newField": 1}})
