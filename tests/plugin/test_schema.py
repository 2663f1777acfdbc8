"""What SDKs are generated from says all that the code takes and gives."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import fields
from inspect import get_annotations
from typing import Any, get_args

import pytest
from pulumi.runtime.proto import provider_pb2
from tests.gate.azure import AT_ONCE, running
from tests.pages import ROOT
from tests.plugin.calls import Context, Refused, create, kept_by

from pulumi_vmss_health.component import ReasonOutput
from pulumi_vmss_health.evidence.owners import EVIDENCE_FILE
from pulumi_vmss_health.fleet import FleetSetOutput
from pulumi_vmss_health.judging.policy import GatePolicy
from pulumi_vmss_health.plugin import inputs, schema, wire
from pulumi_vmss_health.plugin.kinds import FUNCTION, RESOURCES
from pulumi_vmss_health.plugin.server import Plugin
from vmss_instance_view.azure.settings import VARIABLES
from vmss_instance_view.keys import stored_key

GATE, FLEET, VIEW = RESOURCES
SCHEMA: dict[str, Any] = json.loads(schema.FILE.read_text())


def test_the_file_is_what_the_code_says() -> None:
    assert schema.FILE.read_text() == schema.text(), "run python -m pulumi_vmss_health.plugin.schema"


def test_the_sdks_were_generated_from_it() -> None:
    generated_from = (ROOT / "sdk" / "schema.sha256").read_text().strip()
    assert generated_from == hashlib.sha256(schema.FILE.read_bytes()).hexdigest(), "run make sdks"


def test_every_resource_and_function_that_is_served_is_in_it_with_its_inputs_and_outputs() -> None:
    assert set(SCHEMA["resources"]) == set(RESOURCES)
    for token, kind in RESOURCES.items():
        assert list(SCHEMA["resources"][token]["inputProperties"]) == list(kind.checks)
        stored = {*kind.checks, *kind.outputs} - {EVIDENCE_FILE}
        assert set(SCHEMA["resources"][token]["properties"]) == stored
    assert list(SCHEMA["functions"]) == [FUNCTION]
    assert list(SCHEMA["functions"][FUNCTION]["inputs"]["properties"]) == list(inputs.FUNCTION)


@pytest.mark.parametrize(("name", "output"), [("FleetSet", FleetSetOutput), ("Reason", ReasonOutput)])
def test_what_is_told_is_in_it_as_python_programs_get_it(name: str, output: type) -> None:
    told = SCHEMA["types"][f"vmss-health:index:{name}"]
    hints = get_annotations(output, eval_str=True)
    assert set(told["properties"]) == {stored_key(name) for name in hints}
    assert told["required"] == sorted(
        stored_key(name) for name, hint in hints.items() if type(None) not in get_args(hint)
    )


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize(("token", "key"), [(GATE, "scaleSetId"), (FLEET, "scaleSetIds"), (VIEW, "scaleSetId")])
def test_what_a_resource_gives_is_what_it_promises(
    monkeypatch: pytest.MonkeyPatch, token: str, key: str, skip: bool
) -> None:
    ill = {**AT_ONCE, "events": [{"instances": [1], "health": "unhealthy"}]}
    with running(monkeypatch, ill) as azure:
        plugin = Plugin()
        plugin.Configure(provider_pb2.ConfigureRequest(), Context())
        web = azure.put_scale_set("web", capacity=2, health=True)
        given: dict[str, Any] = {key: {"a": web} if key == "scaleSetIds" else web, "skip": skip}
        more = {"includeInstances": True} if token == VIEW else {"policy": {"timeout": "2s", "hold": "0s"}}
        context = Context()
        try:
            found = wire.received(create(plugin, token, {**given, **more}, context).properties)
        except Refused:
            found, _ = kept_by(context)
    assert bool(found.get("reasons")) is (token != VIEW and not skip)
    assert list(misfits({"type": "object", **SCHEMA["resources"][token]}, found, token)) == []


def misfits(spec: dict[str, Any], value: Any, path: str) -> Iterator[str]:
    """What of a value is not as the schema has it."""
    if "#/Any" in spec.get("$ref", "") or "oneOf" in spec:
        return
    spec = SCHEMA["types"][spec["$ref"].rpartition("/")[2]] if "$ref" in spec else spec
    kind = {"string": str, "boolean": bool, "integer": int, "array": list, "object": dict}[spec["type"]]
    if type(value) is not kind:
        yield f"{path}: {value!r} is no {spec['type']}"
    elif isinstance(value, list):
        for each in value:
            yield from misfits(spec["items"], each, f"{path}[]")
    elif isinstance(value, dict):
        known = spec.get("properties", {})
        others = spec.get("additionalProperties")
        yield from (f"{path}.{name}: missing" for name in spec.get("required", ()) if name not in value)
        yield from (f"{path}.{name}: not promised" for name in value if name not in known and others is None)
        for name, each in value.items():
            yield from misfits(known.get(name, others or {"$ref": "#/Any"}), each, f"{path}.{name}")


def test_every_field_of_a_policy_is_in_it_and_speaks_to_every_language() -> None:
    properties = SCHEMA["types"]["vmss-health:index:GatePolicy"]["properties"]
    assert list(properties) == [stored_key(each.name) for each in fields(GatePolicy)]
    for each in properties.values():
        assert "None" not in each["description"]
        assert "timedelta" not in each["description"]


def test_every_setting_is_in_it_and_a_secret_where_it_is_one() -> None:
    for settings in (SCHEMA["config"]["variables"], SCHEMA["provider"]["inputProperties"]):
        assert list(settings) == list(VARIABLES)
        assert {key for key, each in settings.items() if each.get("secret")} == set(inputs.SECRET_SETTINGS)


def test_everything_in_it_is_described_and_every_type_that_it_names_exists() -> None:
    described = [
        *SCHEMA["provider"]["inputProperties"].values(),
        *SCHEMA["types"].values(),
        *SCHEMA["resources"].values(),
        *(each for resource in SCHEMA["resources"].values() for each in resource["properties"].values()),
        *(
            each
            for name in ("GatePolicy", "FleetSet", "Reason")
            for each in SCHEMA["types"][f"vmss-health:index:{name}"]["properties"].values()
        ),
    ]
    assert all(each["description"] for each in described)
    named = {name for name in references(SCHEMA) if name.startswith("#")}
    assert named == {f"#/types/{token}" for token in SCHEMA["types"]}


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if "$ref" in part:
            yield part["$ref"]
        for each in part.values():
            yield from references(each)
    elif isinstance(part, list):
        for each in part:
            yield from references(each)
