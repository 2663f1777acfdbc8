"""What fails an update whose gate only warned: its arguments in a program, its provider without an engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pulumi
import pytest

import pulumi_vmss_health as vmss
from pulumi_vmss_health.required import RequireHealthyProvider
from pulumi_vmss_health.telling.folding import folded
from pulumi_vmss_health.testing import HealthyMocks
from vmss_instance_view.pulumi.calls import PartialFailure

ID = "/subscriptions/0b1f/resourceGroups/rg/providers/Microsoft.Compute/virtualMachineScaleSets/web"
REQUIRED = "pulumi-python:dynamic/vmss-health:RequireHealthy"
UNHEALTHY = {
    "code": "ApplicationNotHealthy",
    "subject": "instance 1",
    "have": "unhealthy",
    "want": "healthy",
    "message": "instance 1: application health unhealthy, want healthy",
    "hint": "check the application's log on the instance",
    "state": "progressing",
}
SURPLUS = {**UNHEALTHY, "code": "Surplus", "message": "one VM more than the capacity", "state": "healthy"}
MESSAGE = "scale set web is not healthy after 20m, which is the timeout of the policy: 2/3 healthy"
WARNED = {"healthy": False, "state": "warned", "message": MESSAGE, "reasons": [UNHEALTHY, SURPLUS]}
PASSED = {"healthy": True, "state": "healthy", "message": None, "reasons": None}


class Mocks(HealthyMocks):
    """Every gate ends as told."""

    def __init__(self, **outputs: Any) -> None:
        super().__init__()
        self._outputs = outputs

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        id_, outputs = super().new_resource(args)
        return id_, {**outputs, **(self._outputs if args.typ.endswith(":HealthGate") else {})}


def declared(mocks: HealthyMocks, program: Callable[[], object]) -> dict[str, Any]:
    """Run a program to its end; the inputs of its RequireHealthy."""
    pulumi.runtime.set_mocks(mocks)
    pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]  # Pulumi has not typed it
    (found,) = [args.inputs for args in mocks.declared if args.typ == REQUIRED]
    return found


def require(**arguments: Any) -> Callable[[], object]:
    def program() -> object:
        gate = vmss.ScaleSetHealthGate("web", scale_set=ID, on_failure="warn", recheck="always")
        return vmss.RequireHealthy("web", gate=gate, **arguments).urn

    return program


def lines_of(told: dict[str, Any]) -> list[str]:
    """What people see of a failure, with folded lines made whole."""
    with pytest.raises(PartialFailure) as failed:
        RequireHealthyProvider().create(told)
    return str(failed.value).replace("\n      ", " ").splitlines()


def test_it_takes_what_a_gate_that_warned_tells_and_is_stored_by_reference() -> None:
    inputs = declared(Mocks(**WARNED), require())
    provider = inputs.pop("__provider")
    assert inputs == WARNED
    assert isinstance(provider, str)
    assert len(provider) < 100


def test_of_a_gate_that_passed_it_takes_nothing_that_differs_from_run_to_run() -> None:
    inputs = declared(Mocks(message="scale set web is healthy after 7s", reasons=[SURPLUS]), require())
    del inputs["__provider"]
    assert {key: value for key, value in inputs.items() if value is not None} == {"healthy": True, "state": "healthy"}


def test_the_mocks_for_users_tests_answer_it_as_any_resource() -> None:
    mocks = HealthyMocks()
    assert declared(mocks, require())["healthy"] is True
    assert mocks.declared[-1].typ == REQUIRED


def test_in_a_preview_what_the_gate_will_find_is_not_known_and_nothing_fails() -> None:
    unknown = dict.fromkeys(WARNED, pulumi.output.UNKNOWN)
    mocks = Mocks(**unknown)
    pulumi.runtime.set_mocks(mocks, preview=True)
    pulumi.runtime.test(require())()  # type: ignore[no-untyped-call]  # Pulumi has not typed it
    inputs = mocks.declared[-1].inputs
    assert mocks.declared[-1].typ == REQUIRED
    assert all(isinstance(inputs[name], pulumi.output.Unknown) for name in WARNED)
    checked = RequireHealthyProvider().check({}, inputs)
    assert (checked.inputs, checked.failures) == (inputs, [])
    assert RequireHealthyProvider().diff("id", PASSED, inputs).changes is None


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (None, "NoneType"),
        ("web", "str"),
        (ID, "str"),
        (vmss.ScaleSetHealthGate, "type"),
        (lambda: vmss.ScaleSetInstanceView("web", scale_set=ID), "ScaleSetInstanceView"),
        (lambda: pulumi.Output.from_input({"healthy": True}), "Output"),
    ],
)
def test_anything_but_a_gate_is_refused_by_the_name_of_the_argument(given: Any, name: str) -> None:
    pulumi.runtime.set_mocks(HealthyMocks())
    made = given() if callable(given) and not isinstance(given, type) else given
    with pytest.raises(TypeError) as refused:
        vmss.RequireHealthy("web", gate=made)
    assert str(refused.value) == f"gate must be a ScaleSetHealthGate or a FleetHealthGate, not {name}"


def test_what_would_hide_the_gates_verdict_is_refused() -> None:
    pulumi.runtime.set_mocks(HealthyMocks())
    gate = vmss.ScaleSetHealthGate("web", scale_set=ID)
    with pytest.raises(ValueError, match=r"opts\.ignore_changes would keep what the gate said before"):
        vmss.RequireHealthy("web", gate=gate, opts=pulumi.ResourceOptions(ignore_changes=["*"]))
    with pytest.raises(TypeError, match=r"opts must be pulumi\.ResourceOptions, not dict"):
        vmss.RequireHealthy("web", gate=gate, opts={})  # type: ignore[arg-type]


def test_it_takes_whatever_tells_a_verdict_as_a_gate_does() -> None:
    class Fleet:
        healthy = pulumi.Output.from_input(False)
        state = pulumi.Output.from_input("warned")
        message = pulumi.Output.from_input("41/50 sets healthy")
        reasons = pulumi.Output.from_input([UNHEALTHY])

    inputs = declared(HealthyMocks(), lambda: vmss.RequireHealthy("fleet", gate=Fleet()).urn)
    assert inputs["message"] == "41/50 sets healthy"
    assert inputs["reasons"] == [UNHEALTHY]


def test_a_gate_that_warned_fails_it_with_the_headline_the_causes_and_how_to_go_on() -> None:
    assert lines_of(WARNED) == [
        f"the gate did not pass: {MESSAGE}",
        "instance 1: application health unhealthy, want healthy",
        "next: check the application's log on the instance",
        "next: mend it, then run `pulumi up` again; a gate that only warned looks again by itself if it has "
        'recheck="always", otherwise only after a change',
    ]


def test_its_lines_are_folded_as_the_gates_own_are() -> None:
    with pytest.raises(PartialFailure) as failed:
        RequireHealthyProvider().create(WARNED)
    assert str(failed.value).startswith(folded(f"the gate did not pass: {MESSAGE}") + "\n")


def test_what_it_keeps_of_a_failure_is_what_the_gate_said(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {**WARNED, "__provider": "x"}
    kept: list[Any] = []

    class Call:
        def partial_failure(self, id_: str, outputs: dict[str, Any], reasons: list[str]) -> PartialFailure:
            kept.append((id_, outputs))
            return PartialFailure("\n".join(reasons))

    monkeypatch.setattr("pulumi_vmss_health.required.current_call", Call)
    with pytest.raises(PartialFailure):
        RequireHealthyProvider().update("a", PASSED, told)
    assert kept == [("a", told)]


@pytest.mark.parametrize("state", ["failing", "timedOut", "unreadable", "deleted", "cancelled", "warned", None])
def test_every_state_but_a_pass_fails_it_and_keeps_it_armed(state: str | None) -> None:
    told = {"healthy": False, "state": state}
    assert lines_of(told)[0] == f"the gate did not pass: its state is {state}"
    assert RequireHealthyProvider().diff("id", told, PASSED).changes is True


@pytest.mark.parametrize("told", [{}, {"healthy": None}, {"healthy": "true", "state": "warned"}, {"healthy": 1}])
def test_a_verdict_that_is_missing_is_no_pass(told: dict[str, Any]) -> None:
    assert lines_of(told)[0].startswith("the gate did not pass")


@pytest.mark.parametrize("told", [PASSED, {"healthy": False, "state": "skipped", "message": "skipped, not judged"}])
def test_a_gate_that_passed_or_that_its_user_skipped_lets_it_pass(told: dict[str, Any]) -> None:
    provider = RequireHealthyProvider()
    assert provider.create(told).outs == told
    assert provider.update("id", WARNED, told).outs == told
    assert provider.diff("id", told, told).changes is None


def test_a_refresh_changes_nothing() -> None:
    read = RequireHealthyProvider().read("id", WARNED)
    assert (read.id, read.outs) == ("id", WARNED)


def test_reasons_of_another_version_are_told_as_far_as_they_go() -> None:
    told = {**WARNED, "reasons": [{"message": "web-weu: one VM is missing", "state": "broken", "set": "web-weu"}]}
    assert lines_of(told)[1] == "web-weu: one VM is missing"
