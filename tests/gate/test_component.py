"""What a user's program is told before anything is deployed, and what the component declares."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pulumi
import pytest

import pulumi_vmss_health as vmss
from pulumi_vmss_health.component import _timeouts

ID = "/subscriptions/0b1f/resourceGroups/rg/providers/Microsoft.Compute/virtualMachineScaleSets/web"


class Recorder(pulumi.runtime.Mocks):
    """Keeps what was registered; gives every gate the outputs of a healthy one."""

    def __init__(self) -> None:
        self.registered: dict[str, pulumi.runtime.MockResourceArgs] = {}

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        self.registered[args.typ] = args
        return f"{args.name}-id", {**args.inputs, "healthy": True, "scaleSetId": ID}

    def call(self, args: pulumi.runtime.MockCallArgs) -> Any:
        raise AssertionError(f"a gate calls no function, but {args.token} was called")


@pytest.fixture
def recorder() -> Recorder:
    mocks = Recorder()
    pulumi.runtime.set_mocks(mocks)
    return mocks


def declare(program: Callable[[], Any]) -> Any:
    """Run a program to its end; gives back the value of the Output that it returns."""

    return pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]  # Pulumi has not typed it


GATE = "pulumi-python:dynamic/vmss-health:HealthGate"


def test_the_resource_tokens_are_those_that_users_states_hold(recorder: Recorder) -> None:
    declare(lambda: vmss.ScaleSetHealthGate("web", scale_set=ID).healthy)
    declare(lambda: vmss.ScaleSetInstanceView("web", scale_set=ID).id)
    assert set(recorder.registered) == {
        "vmss-health:index:ScaleSetHealthGate",
        GATE,
        "pulumi-python:dynamic/vmss-health:ScaleSetInstanceView",
    }


def test_the_provider_is_stored_by_reference_in_few_bytes(recorder: Recorder) -> None:
    declare(lambda: vmss.ScaleSetHealthGate("web", scale_set=ID).healthy)
    declare(lambda: vmss.ScaleSetInstanceView("web", scale_set=ID).id)
    for args in recorder.registered.values():
        provider = args.inputs.get("__provider", "")
        assert isinstance(provider, str), "an encrypted blob in every user's state"
        assert len(provider) < 100


def test_a_resource_brings_its_own_triggers(recorder: Recorder) -> None:
    class Resource:
        id = pulumi.Output.from_input(ID)
        etag = pulumi.Output.from_input('"7"')
        unique_id = pulumi.Output.from_input("b1")

    declare(lambda: vmss.ScaleSetHealthGate("web", scale_set=Resource(), triggers=["image-2"]).healthy)
    assert recorder.registered[GATE].inputs["triggers"] == ['"7"', "b1", "image-2"]
    assert recorder.registered[GATE].inputs["scaleSet"] == ID


def test_only_the_policy_fields_that_were_set_are_stored(recorder: Recorder) -> None:
    declare(lambda: vmss.ScaleSetHealthGate("web", scale_set=ID, policy=vmss.GatePolicy(timeout="5m")).healthy)
    assert recorder.registered[GATE].inputs["policy"] == {"timeout": "5m"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"scale_set": "web"}, "no leading '/' in scale set id 'web'"),
        ({"scale_set": object()}, "scale_set must be a scale set resource, its ARM id or an Output of it, not object"),
        ({"scale_set": None}, "scale_set must be"),
        ({"scale_set": ID, "policy": {"timeout": "5m"}}, "policy must be a GatePolicy, not dict"),
        ({"scale_set": ID, "policy": lambda: pulumi.Output.from_input(1)}, "policy must be a GatePolicy, not Output"),
        ({"scale_set": ID, "recheck": "sometimes"}, "recheck must be 'on_change' or 'always', not 'sometimes'"),
        ({"scale_set": ID, "on_failure": "ignore"}, "on_failure must be 'fail' or 'warn', not 'ignore'"),
        ({"scale_set": ID, "skip": "yes"}, "skip must be True or False, not str"),
        ({"scale_set": ID, "triggers": "v2"}, "triggers must be a list of values, not str"),
        ({"scale_set": ID, "opts": {"protect": True}}, "opts must be pulumi.ResourceOptions, not dict"),
        (
            {"scale_set": ID, "opts": pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(update="soon"))},
            "opts.custom_timeouts: create must look like '90s', '30m' or '1h30m'",
        ),
        (
            {"scale_set": ID, "opts": pulumi.ResourceOptions(custom_timeouts={"craete": "5m"})},  # type: ignore[arg-type]
            "opts.custom_timeouts has no craete; it has create and update",
        ),
        (
            {"scale_set": ID, "opts": pulumi.ResourceOptions(custom_timeouts="5m")},  # type: ignore[arg-type]
            "opts.custom_timeouts must be a pulumi.CustomTimeouts, not str",
        ),
        (
            {
                "scale_set": ID,
                "policy": vmss.GatePolicy(hold="10m"),
                "opts": pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create="5m")),
            },
            "opts.custom_timeouts: hold (10m) must be shorter than timeout (5m)",
        ),
    ],
)
def test_a_wrong_argument_is_refused_by_name_before_anything_is_deployed(
    recorder: Recorder, arguments: dict[str, Any], words: str
) -> None:
    made = {name: value() if callable(value) else value for name, value in arguments.items()}
    with pytest.raises((ValueError, TypeError)) as refused:
        vmss.ScaleSetHealthGate("web", **made)
    assert words in str(refused.value)
    assert not recorder.registered


@pytest.mark.parametrize(
    ("given", "create", "update"),
    [({"create": "5m"}, "5m", "5m"), ({"update": "7m"}, "7m", "7m"), ({"create": "5m", "update": "7m"}, "5m", "7m")],
)
@pytest.mark.parametrize("kind", [pulumi.CustomTimeouts, dict])
def test_time_outs_of_create_and_update_stand_in_for_each_other(
    given: dict[str, str], create: str, update: str, kind: Callable[..., Any]
) -> None:

    timeouts = _timeouts(kind(**given), vmss.GatePolicy())
    assert timeouts is not None
    assert (timeouts.create, timeouts.update) == (create, update)
