"""The gate of a fleet as gRPC calls it: what it looks at again, what it keeps, and what it tells of secret ids."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf import struct_pb2
from pulumi.runtime.proto import provider_pb2
from tests.gate.azure import AT_ONCE, running
from tests.plugin.calls import Context, Refused, create, kept_by, struct, update

from pulumi_vmss_health.plugin import wire
from pulumi_vmss_health.plugin.server import Plugin
from vmss_emulator import Emulator
from vmss_instance_view.pulumi.calls import Call

FLEET = "vmss-health:index:FleetHealthGate"
URN = f"urn:pulumi:dev::p::{FLEET}::web"
CANARY = "canary-5e0c"
QUICK = {"timeout": "6s", "hold": "0s"}
ILL = {**AT_ONCE, "events": [{"instances": [1], "health": "unhealthy"}]}
TELLING = ("sets", "scaleSetIds", "message", "reasons")


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    with running(monkeypatch) as emulator:
        yield emulator


@pytest.fixture
def plugin(azure: Emulator) -> Plugin:
    plugin = Plugin()
    plugin.Configure(provider_pb2.ConfigureRequest(), Context())
    return plugin


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The status lines and warnings of the gate."""
    lines: list[str] = []
    monkeypatch.setattr(Call, "status", lambda _call, text: lines.append(text))
    monkeypatch.setattr(Call, "warn", lambda _call, text: lines.append(text))
    return lines


def fleet(azure: Emulator, **more: Any) -> dict[str, Any]:
    """Inputs for three sets, one of them Flexible."""
    modes = {"a": "Uniform", "b": "Flexible", "c": "Uniform"}
    ids = {
        name: azure.put_scale_set(f"{CANARY}-{name}", health=True, orchestration_mode=mode)
        for name, mode in modes.items()
    }
    return {"scaleSetIds": ids, "policy": QUICK, **more}


def asked_of(azure: Emulator, since: int) -> set[str]:
    """The sets that Azure was asked of since so many requests."""
    paths = [each.path for each in azure.requests[since:]]
    return {name for name in "abc" if any(f"/virtualMachineScaleSets/{CANARY}-{name}" in path for path in paths)}


def read(plugin: Plugin, stored: struct_pb2.Struct, context: Context | None = None) -> Any:
    request = provider_pb2.ReadRequest(id="id", urn=URN, properties=stored, inputs=struct({"skip": False}))
    return plugin.Read(request, context or Context())


def test_a_fleet_that_is_healthy_passes_and_tells_of_each_set(plugin: Plugin, azure: Emulator) -> None:
    inputs = fleet(azure)
    found = wire.received(create(plugin, FLEET, inputs).properties)
    assert (found["healthy"], found["state"], found["healthySets"], found["requiredSets"]) == (True, "healthy", 3, 3)
    assert found["scaleSetIds"] == inputs["scaleSetIds"]
    assert {name: each["orchestrationMode"] for name, each in found["sets"].items()} == {
        "a": "Uniform",
        "b": "Flexible",
        "c": "Uniform",
    }
    assert "scaleSets" not in found, "a name that only the core has"


def test_a_preview_knows_the_inputs_and_asks_azure_nothing(plugin: Plugin, azure: Emulator) -> None:
    inputs = {**fleet(azure), "scaleSetIds": {"a": wire.UNKNOWN, "b": "id"}}
    request = provider_pb2.CreateRequest(urn=URN, properties=struct(inputs), preview=True)
    foreseen = wire.received(plugin.Create(request, Context()).properties)
    assert {key: foreseen[key] for key in inputs} == inputs
    unknown = {"healthy", "state", "message", "reasons", "sets", "healthySets", "requiredSets", "evidence"}
    assert {key for key, value in foreseen.items() if value == wire.UNKNOWN} == unknown
    assert azure.requests == ()


def test_a_fleet_that_fails_is_armed_and_the_next_run_looks_only_at_the_rest(plugin: Plugin, azure: Emulator) -> None:
    azure.load({"scale_sets": {"*": AT_ONCE, f"{CANARY}-b": ILL}})
    inputs = fleet(azure)
    inputs["scaleSetIds"]["a"] += "/"  # as outputs do not spell it
    context = Context()
    with pytest.raises(Refused, match="2 of 3 scale sets are healthy after 6s"):
        create(plugin, FLEET, inputs, context)
    stored, _ = kept_by(context)
    assert {name: each["state"] for name, each in stored["sets"].items()} == {
        "a": "healthy",
        "b": "timedOut",
        "c": "healthy",
    }
    diff = plugin.Diff(provider_pb2.DiffRequest(urn=URN, olds=struct(stored), news=struct(inputs)), Context())
    assert diff.changes == provider_pb2.DiffResponse.DIFF_SOME

    azure.load({"scale_sets": {"*": AT_ONCE}})
    before = len(azure.requests)
    found = update(plugin, FLEET, struct(stored), inputs).properties
    assert found["healthy"]
    assert asked_of(azure, before) == {"b"}
    diff = plugin.Diff(provider_pb2.DiffRequest(urn=URN, olds=found, news=struct(inputs)), Context())
    assert diff.changes == provider_pb2.DiffResponse.DIFF_UNKNOWN


@pytest.mark.parametrize(
    ("change", "looked_at"),
    [
        ({}, set()),
        ({"triggers": ["new"]}, {"a", "b", "c"}),
        ({"recheck": "always"}, {"a", "b", "c"}),
        ({"setTriggers": {"a": ["1"], "c": ["2"]}}, {"c"}),
        ({"minHealthySets": 2}, set()),
    ],
)
def test_a_change_gates_again_what_it_concerns(
    plugin: Plugin, azure: Emulator, change: dict[str, Any], looked_at: set[str]
) -> None:
    inputs = fleet(azure, setTriggers={"a": ["1"], "c": ["1"]})
    stored = create(plugin, FLEET, inputs).properties
    before = len(azure.requests)
    assert update(plugin, FLEET, stored, {**inputs, **change}).properties["healthy"]
    assert asked_of(azure, before) == looked_at


def test_a_refresh_lowers_a_fleet_and_never_raises_it_and_drops_it_when_every_set_is_gone(
    plugin: Plugin, azure: Emulator
) -> None:
    stored = create(plugin, FLEET, fleet(azure)).properties
    assert read(plugin, stored).properties == stored

    azure.load({"scale_sets": {"*": AT_ONCE, f"{CANARY}-b": ILL}})
    context = Context()
    with pytest.raises(Refused, match="2 of 3 scale sets are healthy, 3 were"):
        read(plugin, stored, context)
    lowered, _ = kept_by(context)
    assert (lowered["state"], lowered["healthySets"], lowered["sets"]["b"]["healthy"]) == ("progressing", 2, False)
    assert lowered["policy"] == QUICK

    azure.load({"scale_sets": {"*": AT_ONCE}})
    with pytest.raises(Refused, match="the next `pulumi up` runs this gate again"):
        read(plugin, struct(lowered))

    azure.load({"faults": [{"match": "GET *", "status": 404, "code": "ResourceNotFound", "message": "was not found"}]})
    assert read(plugin, stored).id == ""


def test_a_fleet_that_is_skipped_is_left_alone_by_a_refresh(plugin: Plugin, azure: Emulator) -> None:
    inputs = fleet(azure, skip=True)
    before = len(azure.requests)
    stored = create(plugin, FLEET, inputs).properties
    assert stored["state"] == "skipped"
    assert read(plugin, stored).properties == stored
    assert len(azure.requests) == before


@pytest.mark.parametrize("whole", [True, False], ids=["the whole map", "one id"])
def test_no_secret_id_is_told_or_kept_in_the_clear_through_create_refresh_and_update(
    plugin: Plugin, azure: Emulator, told: list[str], whole: bool
) -> None:
    plain = fleet(azure)
    ids = plain["scaleSetIds"]
    secret = wire.secret(ids) if whole else {**ids, "b": wire.secret(ids["b"])}
    inputs = {**plain, "scaleSetIds": secret}
    said = []

    def fails(call: Any) -> dict[str, Any]:
        context = Context()
        with pytest.raises(Refused) as refused:
            call(context)
        properties, lines = kept_by(context)
        said.extend([str(refused.value), *lines])
        assert all(wire.is_secret(properties[key]) for key in TELLING)
        return properties

    azure.load({"scale_sets": {"*": AT_ONCE, f"{CANARY}-b": ILL}})
    stored = fails(lambda context: create(plugin, FLEET, inputs, context))
    stored = fails(lambda context: read(plugin, struct(stored), context))
    azure.load({"scale_sets": {"*": AT_ONCE}})
    passed = update(plugin, FLEET, struct(stored), inputs).properties
    assert passed["healthy"]
    assert all(wire.is_secret(wire.received(passed)[key]) for key in TELLING)
    azure.load({"scale_sets": {"*": AT_ONCE}, "faults": [{"match": f"GET *{CANARY}-b*", "status": 403}]})
    assert read(plugin, passed).properties == passed
    azure.load({"scale_sets": {"*": AT_ONCE, f"{CANARY}-b": ILL}})
    fails(lambda context: read(plugin, passed, context))
    update(plugin, FLEET, passed, {**inputs, "triggers": ["new"], "onFailure": "warn"})

    everything = "\n".join([*said, *told])
    assert "[secret]" in everything
    assert "b: instance" in everything.replace("\n", " ")
    assert CANARY not in everything
    assert ids["b"].split("/")[2] not in everything, "the subscription"


def test_a_secret_that_is_no_id_is_not_shown_by_a_refresh(plugin: Plugin) -> None:
    with pytest.raises(Refused) as refused:
        read(plugin, struct({"scaleSetIds": {"a": wire.secret(CANARY)}, "state": "healthy"}))
    assert str(refused.value) == "scaleSetIds: a secret in it is not the ARM id of a scale set"


def test_check_refuses_by_path_and_writes_ids_as_before(plugin: Plugin, azure: Emulator) -> None:
    ids = fleet(azure)["scaleSetIds"]
    given = {**ids, "a": f"{ids['a']}/", "b": "web"}
    request = provider_pb2.CheckRequest(urn=URN, olds=struct({"scaleSetIds": ids}), news=struct({"scaleSetIds": given}))
    answer = plugin.Check(request, Context())
    (failure,) = answer.failures
    assert failure.reason.startswith('scaleSetIds["b"]: ')
    assert wire.received(answer.inputs)["scaleSetIds"] == {**ids, "b": "web"}


def test_time_outs_of_the_resource_win_and_are_named_where_they_are_too_short(plugin: Plugin, azure: Emulator) -> None:
    inputs = fleet(azure, policy={"hold": "1m"})
    request = provider_pb2.CreateRequest(urn=URN, properties=struct(inputs), timeout=30)
    with pytest.raises(Refused) as refused:
        plugin.Create(request, Context())
    assert str(refused.value).startswith("policy.hold (1m) must be shorter than policy.timeout (30s) (the resource's")


def test_a_fleet_is_not_imported(plugin: Plugin) -> None:
    with pytest.raises(Refused, match="id cannot be imported: a gate is a wait and nothing in Azure: declare it"):
        read(plugin, struct_pb2.Struct())
