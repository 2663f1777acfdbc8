"""What the service answers, called as gRPC calls it: each error is a line, without a traceback and without a secret."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, NoReturn

import pytest
from pulumi.runtime.proto import provider_pb2
from tests.gate.azure import running
from tests.plugin.calls import Context, Refused, create, kept_by, struct, update

from pulumi_vmss_health.judging.policy import GatePolicy
from pulumi_vmss_health.plugin import view, wire
from pulumi_vmss_health.plugin.server import Plugin
from vmss_emulator import Emulator
from vmss_instance_view.keys import stored_key
from vmss_instance_view.pulumi.calls import Call

GATE, FLEET = "vmss-health:index:ScaleSetHealthGate", "vmss-health:index:FleetHealthGate"
VIEW = "vmss-health:index:ScaleSetInstanceView"
CANARY = "canary-77aa"
ID = "/subscriptions/0b1f/resourceGroups/rg/providers/Microsoft.Compute/virtualMachineScaleSets/web"


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    with running(monkeypatch) as emulator:
        yield emulator


@pytest.fixture
def plugin(azure: Emulator) -> Plugin:
    plugin = Plugin()
    plugin.Configure(provider_pb2.ConfigureRequest(), Context())
    return plugin


def test_a_gate_that_fails_is_kept_with_its_secrets_as_secrets(plugin: Plugin, azure: Emulator) -> None:
    secret = wire.secret(azure.put_scale_set(CANARY).replace(CANARY, f"{CANARY}-gone"))
    context = Context()
    with pytest.raises(Refused) as refused:
        create(plugin, GATE, {"scaleSetId": secret, "policy": {"timeout": "1s", "hold": "0s"}}, context)
    assert CANARY not in str(refused.value)
    properties, lines = kept_by(context)
    assert all(wire.is_secret(properties[key]) for key in ("scaleSetId", "message", "reasons"))
    assert (properties["state"], properties["healthy"]) == ("timedOut", False)
    assert CANARY not in "".join(lines)


@pytest.mark.parametrize(
    ("token", "given", "path", "property_"),
    [
        (GATE, {"scaleSetId": "web"}, "scaleSetId", "scaleSetId"),
        (GATE, {"scaleSetId": ID, "policy": {"hold": "soon"}}, "policy.hold", ""),
        (FLEET, {"scaleSetIds": {"a": "web"}}, 'scaleSetIds["a"]', ""),
    ],
)
def test_the_engine_is_told_of_no_property_below_an_input_for_it_would_show_nil_as_its_value(
    plugin: Plugin, token: str, given: dict[str, Any], path: str, property_: str
) -> None:
    request = provider_pb2.CheckRequest(urn=f"urn:pulumi:dev::p::{token}::web", news=struct(given))
    (failure,) = plugin.Check(request, Context()).failures
    assert failure.property == property_
    assert failure.reason.startswith(path)


def check(plugin: Plugin, name: str, inputs: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The inputs that the engine goes on with, and what it is told of those given."""
    answer = plugin.Check(
        provider_pb2.CheckRequest(urn=f"urn:pulumi:dev::p::{GATE}::{name}", news=struct(inputs)), Context()
    )
    assert {each.property for each in answer.failures} <= {"evidenceFile"}
    return wire.received(answer.inputs), [each.reason for each in answer.failures]


def test_where_evidence_is_written_is_taken_out_of_the_inputs_and_belongs_to_one_gate(
    plugin: Plugin, tmp_path: Path
) -> None:
    inputs = {"scaleSetId": ID}
    file = str(tmp_path / "web.json")
    for _ in ("preview", "update"):
        assert check(plugin, "web", {**inputs, "evidenceFile": file}) == (inputs, [])
    for same in (file, str(tmp_path / "reports" / ".." / "web.json")):
        assert check(plugin, "other", {**inputs, "evidenceFile": same})[1] == [
            f"{same} is the file of gate web: each gate needs one of its own"
        ]
    assert check(plugin, "other", {**inputs, "evidenceFile": wire.UNKNOWN}) == (inputs, [])
    assert [*tmp_path.iterdir()] == []


def test_a_gate_that_would_notice_no_change_warns_of_it_once_for_each_check(
    plugin: Plugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(Call, "warn", lambda _call, text: told.append(text))
    check(plugin, "web", {"scaleSetId": ID, "triggers": ["1"]})
    check(plugin, "web", {"scaleSetId": ID, "evidenceFile": ""})
    assert told == [], "one is noticed, the other refused"
    assert check(plugin, "web", {"scaleSetId": ID}) == ({"scaleSetId": ID}, [])
    view = provider_pb2.CheckRequest(urn=f"urn:pulumi:dev::p::{VIEW}::web", news=struct({"scaleSetId": ID}))
    plugin.Check(view, Context())
    (text,) = told
    assert text.startswith("no change of the scale set would be noticed: give the etag and uniqueId in triggers")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (3, "evidenceFile must be a path such as 'web.json', not a number"),
        ("", "evidenceFile must be a path such as 'web.json'"),
        (
            wire.secret(CANARY),
            "evidenceFile is a secret, and wrong: it must be a path in the clear, for errors name it",
        ),
    ],
)
def test_an_evidence_file_that_is_none_is_refused(plugin: Plugin, given: object, told: str) -> None:
    assert check(plugin, "web", {"scaleSetId": ID, "evidenceFile": given})[1] == [told]


@pytest.mark.parametrize("token", [GATE, VIEW])
def test_a_secret_that_turns_out_to_be_no_id_is_not_shown(plugin: Plugin, token: str) -> None:
    with pytest.raises(Refused) as refused:
        create(plugin, token, {"scaleSetId": wire.secret(CANARY)})
    assert str(refused.value) == "scaleSetId is a secret, and not the ARM id of a scale set"


def test_a_view_of_a_secret_set_that_is_not_there_does_not_name_it(
    plugin: Plugin, azure: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(view, "APPEARS_WITHIN", 0.0)
    gone = azure.put_scale_set("web").replace("/web", f"/{CANARY}")
    with pytest.raises(Refused) as refused:
        create(plugin, VIEW, {"scaleSetId": wire.secret(gone)})
    assert "[secret]" in str(refused.value)
    assert CANARY not in str(refused.value)


def test_a_defect_is_one_line_that_asks_to_be_reported(plugin: Plugin, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> NoReturn:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(view.View, "create", broken)
    with pytest.raises(Refused, match="unexpected ZeroDivisionError: by zero; this is a defect of pulumi-vmss-health"):
        create(plugin, VIEW, {"scaleSetId": "any"})


def test_what_the_plugin_does_not_have_is_named_with_what_it_has(plugin: Plugin) -> None:
    with pytest.raises(
        Refused, match="no resource vmss-health:index:Gate; it has vmss-health:index:ScaleSetHealthGate"
    ):
        create(plugin, "vmss-health:index:Gate", {})
    with pytest.raises(Refused, match="no function vmss-health:index:get; it has vmss-health:index:getInstanceView"):
        plugin.Invoke(provider_pb2.InvokeRequest(tok="vmss-health:index:get"), Context())


@pytest.mark.parametrize(("token", "sets"), [(GATE, {"scaleSetId": ID}), (FLEET, {"scaleSetIds": {"a": ID}})])
def test_a_preview_refuses_time_outs_of_the_resource_that_are_too_short_for_a_policy_that_is_known(
    plugin: Plugin, token: str, sets: dict[str, Any]
) -> None:
    urn = f"urn:pulumi:dev::p::{token}::web"

    def preview(policy: Any) -> None:
        given = struct({**sets, "policy": policy})
        plugin.Create(provider_pb2.CreateRequest(urn=urn, properties=given, preview=True, timeout=30), Context())
        plugin.Update(provider_pb2.UpdateRequest(urn=urn, news=given, preview=True, timeout=30), Context())

    with pytest.raises(Refused) as refused:
        preview({"hold": "1m"})
    told = "policy.hold (1m) must be shorter than policy.timeout (30s) (the resource's customTimeouts win over policy"
    assert str(refused.value).startswith(told)
    with pytest.raises(Refused) as refused:
        preview({"hold": wire.secret("1m")})
    assert str(refused.value).startswith("policy holds a secret, and is not shown; it does not fit")
    assert "1m" not in str(refused.value)
    preview({"hold": "20s"})
    preview({"hold": "1m", "minHealthy": wire.UNKNOWN})
    preview(wire.UNKNOWN)
    preview(None)


@pytest.mark.parametrize("mark", [wire.secret, lambda value: value], ids=["secret", "in the clear"])
@pytest.mark.parametrize("token", [GATE, FLEET, VIEW])
def test_a_preview_spells_ids_as_the_update_will(plugin: Plugin, token: str, mark: Callable[[Any], Any]) -> None:
    odd = mark(f"{ID.replace('resourceGroups', 'resourcegroups')}/")
    key, ids = ("scaleSetIds", {"a": odd, "b": f"{ID}2/"}) if token == FLEET else ("scaleSetId", odd)
    given = {key: ids, "skip": True}
    urn = f"urn:pulumi:dev::p::{token}::web"
    created = wire.plain(wire.received(create(plugin, token, given).properties))
    assert created[key] == ({"a": ID, "b": f"{ID}2"} if token == FLEET else ID)

    def foreseen(ids: Any) -> Any:
        preview = provider_pb2.CreateRequest(urn=urn, properties=struct({key: ids, "skip": True}), preview=True)
        return wire.received(plugin.Create(preview, Context()).properties)[key]

    assert foreseen(ids) == ({"a": mark(ID), "b": f"{ID}2"} if token == FLEET else mark(ID))
    assert foreseen(wire.UNKNOWN) == wire.UNKNOWN
    assert foreseen({"a": wire.UNKNOWN, "b": odd}) == {"a": wire.UNKNOWN, "b": mark(ID)}


@pytest.mark.parametrize("field", [stored_key(each.name) for each in fields(GatePolicy)])
@pytest.mark.parametrize(("token", "sets"), [(GATE, {"scaleSetId": ID}), (FLEET, {"scaleSetIds": {"a": ID}})])
def test_null_is_taken_for_a_field_of_the_policy_that_is_not_given(
    plugin: Plugin, token: str, sets: dict[str, Any], field: str
) -> None:
    given = {**sets, "policy": {field: None}, "skip": True}
    request = provider_pb2.CheckRequest(urn=f"urn:pulumi:dev::p::{token}::web", news=struct(given))
    assert not plugin.Check(request, Context()).failures
    assert create(plugin, token, given).properties["state"] == "skipped"


@pytest.mark.parametrize("state", [{}, {"state": "skipped"}])
@pytest.mark.parametrize(("token", "sets"), [(GATE, {"scaleSetId": ID}), (FLEET, {"scaleSetIds": {"a": ID}})])
def test_a_gate_that_is_got_by_a_state_of_the_programs_own_is_refused(
    plugin: Plugin, token: str, sets: dict[str, Any], state: dict[str, Any]
) -> None:
    given = struct({**sets, **state})
    for inputs in (given, struct({})):  # as the engine sends it, or once sent it
        request = provider_pb2.ReadRequest(
            id="any", urn=f"urn:pulumi:dev::p::{token}::web", properties=given, inputs=inputs
        )
        with pytest.raises(Refused, match="any cannot be imported: a gate is a wait and nothing in Azure"):
            plugin.Read(request, Context())


def test_settings_that_are_secrets_are_marked_where_a_program_did_not(plugin: Plugin) -> None:
    given = {"clientSecret": CANARY, "clientId": "a", "oidcToken": wire.secret(CANARY)}
    checked = plugin.CheckConfig(provider_pb2.CheckRequest(news=struct(given)), Context())
    found = wire.received(checked.inputs)
    assert wire.is_secret(found["clientSecret"])
    assert wire.is_secret(found["oidcToken"])
    assert found["clientId"] == "a"
    assert not checked.failures


def test_settings_that_changed_are_compared_by_the_engine(plugin: Plugin) -> None:
    answer = plugin.DiffConfig(provider_pb2.DiffRequest(), Context())
    assert answer.changes == provider_pb2.DiffResponse.DIFF_UNKNOWN


def test_a_view_that_is_skipped_keeps_what_it_saw_of_the_same_set(plugin: Plugin, azure: Emulator) -> None:
    web = azure.put_scale_set("web", capacity=2)
    seen = create(plugin, VIEW, {"scaleSetId": web}).properties
    before = len(azure.requests)
    for scale_set, kept in ((web, True), (f"{web}2", False)):
        again = update(plugin, VIEW, seen, {"scaleSetId": scale_set, "skip": True})
        assert ("capacity" in again.properties) == kept
    assert len(azure.requests) == before


def test_when_a_gate_passed_is_kept_for_the_same_set_alone(plugin: Plugin, azure: Emulator) -> None:
    web, other = azure.put_scale_set("web"), azure.put_scale_set("other")
    policy = {"hold": "0s"}
    passed = create(plugin, GATE, {"scaleSetId": web, "policy": policy}).properties
    for scale_set, kept in ((web, True), (other, False)):
        skipped = update(plugin, GATE, passed, {"scaleSetId": scale_set, "policy": policy, "skip": True}).properties
        assert ("passedAt" in wire.received(skipped)["evidence"]) == kept
