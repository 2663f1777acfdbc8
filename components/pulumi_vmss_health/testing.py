"""Mocks for unit tests of programs with gates: every gate passes, and every view is healthy.

    import pulumi
    from pulumi_vmss_health.testing import HealthyMocks

    pulumi.runtime.set_mocks(HealthyMocks())

They need no engine, no provider and no network; nothing waits and nothing is judged. See docs/testing.md.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from pulumi.runtime import MockCallArgs, MockResourceArgs, Mocks

from pulumi_vmss_health.fleets.asked import ALL, required_of
from pulumi_vmss_health.fleets.stored import fleet_outputs, skipped_fleet
from pulumi_vmss_health.fleets.watch import Fleet, Goal
from pulumi_vmss_health.judging.findings import State, Verdict
from pulumi_vmss_health.judging.snapshot import Snapshot
from pulumi_vmss_health.stored import outputs_of, skipped_outputs
from pulumi_vmss_health.waiting.ending import Ending
from pulumi_vmss_health.waiting.memory import Progress
from pulumi_vmss_health.waiting.watch import Outcome
from vmss_instance_view.model import InstanceView, ScaleSet
from vmss_instance_view.scale_set_id import ScaleSetId

_GATE = "pulumi-python:dynamic/vmss-health:HealthGate"
_FLEET = "pulumi-python:dynamic/vmss-health:FleetGate"
_VIEW = "pulumi-python:dynamic/vmss-health:ScaleSetInstanceView"
_SCALE_SET = ":VirtualMachineScaleSet"  # the end of azure-native's token, with or without an API version before it

_NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)  # constant, so that tests may compare whole outputs
_SUCCEEDED = "ProvisioningState/succeeded"
_WELL = InstanceView.from_json(
    {
        "virtualMachine": {"statusesSummary": [{"code": _SUCCEEDED, "count": 1}]},
        "statuses": [{"code": _SUCCEEDED, "level": "Info", "displayStatus": "Provisioning succeeded"}],
    }
)


class HealthyMocks(Mocks):
    """Mocks in which every gate passes (or is skipped, if it says so) and every view shows one healthy VM.

    Any other resource returns its inputs; subclass to return more. declared: the resources that the program has
    declared so far, in order.
    """

    def __init__(self) -> None:
        """Begin without declared resources."""
        self.declared: list[MockResourceArgs] = []

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        """Return the id and the outputs of a resource; a scale set's id is one that a gate accepts."""
        self.declared.append(args)
        id_ = str(_id(args.name)) if args.typ.endswith(_SCALE_SET) else f"{args.name}-id"
        return id_, {**args.inputs, **healthy_outputs(args)}

    def call(self, args: MockCallArgs) -> Any:  # noqa: ANN401 - a pair in Pulumi's annotation, a dictionary in its code
        """Return the arguments of a function as its result."""
        return args.args


def healthy_outputs(args: MockResourceArgs) -> dict[str, Any]:
    """Return the outputs that a gate or a view adds to its inputs, by their names in state; {} for other resources."""
    if args.typ == _FLEET:
        return _fleet(args.inputs)
    if args.typ not in (_GATE, _VIEW):
        return {}
    id_ = str(args.inputs.get("scaleSet") or _id("web"))
    outputs = _gate(id_, args.inputs) if args.typ == _GATE else _view(args.inputs)
    return {**outputs, "scaleSetId": id_}


def _gate(id_: str, inputs: dict[str, Any]) -> dict[str, Any]:
    scale_set = _id(id_.rpartition("/")[2])  # only the name counts: a test's own mocks may give ids of any form
    if inputs.get("skip"):
        return skipped_outputs(scale_set, {})
    snapshot = Snapshot(_WELL, ScaleSet(capacity=1, orchestration_mode="Uniform"))
    progress = Progress(elapsed=0.0, limit=0.0, looks=1, snapshot=snapshot, verdict=Verdict(State.HEALTHY))
    return outputs_of(Outcome(Ending.HEALTHY, progress), 4, scale_set, _NOW, {})


def _fleet(inputs: dict[str, Any]) -> dict[str, Any]:
    given = {name: str(each or _id(name)) for name, each in inputs["scaleSets"].items()}
    ids = {name: _id(each.rpartition("/")[2]) for name, each in given.items()}
    goal = Goal(required_of(inputs.get("minHealthySets", ALL), len(ids)), 0.0)
    if inputs.get("skip"):
        outputs = skipped_fleet(ids, goal.required, {})
    else:
        snapshot = Snapshot(_WELL, ScaleSet(capacity=1, orchestration_mode="Uniform"))
        progress = Progress(elapsed=0.0, limit=0.0, looks=1, snapshot=snapshot, verdict=Verdict(State.HEALTHY))
        ended = dict.fromkeys(ids, Outcome(Ending.HEALTHY, progress))
        fleet = Fleet(list(ids), goal, ended=ended, passed_at=dict.fromkeys(ids, _NOW))
        outputs = fleet_outputs(fleet, ids, "", 4 * len(ids), _NOW, {})
    sets = {name: {**each, "scaleSetId": given[name]} for name, each in outputs["sets"].items()}
    return {**outputs, "sets": sets, "scaleSetIds": given}


def _view(inputs: dict[str, Any]) -> dict[str, Any]:
    instances = {"instances": [{"instanceId": "0"}]} if inputs.get("includeInstances") else {}
    read = {"orchestrationMode": "Uniform", "capacity": 1, "readAt": _NOW.isoformat(timespec="seconds")}
    return {**_WELL.to_json(), **read, **instances}


def _id(name: str) -> ScaleSetId:
    return ScaleSetId("00000000-0000-0000-0000-000000000000", "rg", name)
