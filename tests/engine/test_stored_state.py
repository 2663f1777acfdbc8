"""What is in users' state: it never changes, tells no secret, and a later version takes it as it is."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest
from tests.engine.gates import BOTH, SINGLE, Gate
from tests.engine.projects import HEALTHY, UNHEALTHY, Project
from tests.engine.record_state import SCALE_SET, STATES, recorded

from vmss_emulator import Emulator
from vmss_instance_view.keys import stored_key

pytestmark = pytest.mark.engine

VERSIONS = [
    pytest.param(folder.name, marks=pytest.mark.rest if folder.name.endswith("_fleets") else ())
    for folder in sorted(STATES.iterdir())
    if (folder / "state.json").exists()
]
GATE = "pulumi-python:dynamic/vmss-health:HealthGate"
FLEET = "pulumi-python:dynamic/vmss-health:FleetGate"
REQUIRED = "pulumi-python:dynamic/vmss-health:RequireHealthy"
VIEW = "pulumi-python:dynamic/vmss-health:ScaleSetInstanceView"
PROVIDERS = {
    GATE: (b"pulumi_vmss_health.gate", b"HealthGateProvider"),
    FLEET: (b"pulumi_vmss_health.fleet_gate", b"FleetGateProvider"),
    REQUIRED: (b"pulumi_vmss_health.required", b"RequireHealthyProvider"),
    VIEW: (b"vmss_instance_view.resource", b"InstanceViewProvider"),
}

# Another default in a later version: as `_default` makes it, or as if the user had given it.
OTHER_DEFAULTS = """
from pulumi_vmss_health.judging import policy
policy.GatePolicy.__init__.__kwdefaults__.update(timeout={timeout}, power_state={power_state})
"""
OF_THE_VERSION = OTHER_DEFAULTS.format(timeout="policy._default('47m')", power_state="policy._default('ignored')")
OF_THE_USER = OTHER_DEFAULTS.format(timeout="'47m'", power_state="'ignored'")


def of(version: str) -> tuple[dict[str, Any], str]:
    """The state of a version, and the program that left it."""
    folder = STATES / version
    return json.loads((folder / "state.json").read_text()), (folder / "__main__.py").read_text()


def imported(project: Project, state: dict[str, Any], program: str) -> None:
    """A stack with this state and this program."""
    project.program(program)
    file = project.folder / "state.json"
    file.write_text(json.dumps(state))
    assert project.run("config", "set", "scaleSet", SCALE_SET).code == 0
    ran = project.run("stack", "import", "--file", str(file))
    assert ran.code == 0, ran.output


@pytest.mark.parametrize("version", VERSIONS)
def test_an_update_on_a_state_of_any_version_shows_no_change_also_where_defaults_are_others_now(
    project: Project, azure: Emulator, version: str
) -> None:
    state, program = of(version)
    imported(project, state, program)
    unchanged = ("up", "--yes", "--skip-preview", "--non-interactive", "--expect-no-changes")
    ran = project.run(*unchanged)
    assert ran.code == 0, ran.output
    project.program(OF_THE_VERSION + program)
    ran = project.run(*unchanged)
    assert ran.code == 0, ran.output
    project.program(OF_THE_USER + program)
    ran = project.run("preview", "--diff", "--non-interactive")
    assert '+ timeout   : "47m"' in ran.output, "what a user sets is a change"
    updated = re.findall(r"(?:Health|Fleet)Gate: \(update\)", ran.output)
    assert len(updated) == 2, "of each gate where it was not set before"
    assert azure.requests == ()


@pytest.mark.parametrize("version", VERSIONS)
def test_a_gate_that_failed_in_any_version_is_armed_and_every_state_can_be_destroyed(
    project: Project, azure: Emulator, version: str
) -> None:
    state, program = of(version)
    for resource in state["deployment"]["resources"]:
        if resource["urn"].endswith("Gate::defaults"):
            resource["outputs"]["state"] = "timedOut"
    imported(project, state, program)
    ran = project.run("preview", "--expect-no-changes", "--non-interactive")
    assert ran.code != 0
    assert "1 to update" in ran.output
    ran = project.run("destroy", "--yes", "--skip-preview", "--non-interactive")
    assert ran.code == 0, ran.output
    assert project.state() == {}
    assert azure.requests == ()


@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_written_today_has_the_tokens_the_keys_and_the_inputs_of_every_version(
    project: Project, version: str
) -> None:
    before, now = (
        {each["urn"]: each for each in state["deployment"]["resources"]}
        for state in (of(version)[0], recorded(project, version))
    )
    assert before.keys() == now.keys()
    for urn, resource in before.items():
        assert now[urn].get("inputs") == resource.get("inputs")
        assert keys(resource.get("outputs", {})) <= keys(now[urn].get("outputs", {}))


def keys(value: object, path: str = "") -> set[str]:
    """Every path to a value in JSON: "virtualMachine.statusesSummary.code"."""
    if isinstance(value, dict):
        return {path}.union(*(keys(each, f"{path}.{key}") for key, each in value.items()))
    return {path}.union(*(keys(each, path) for each in value)) if isinstance(value, list) else {path}


@pytest.mark.parametrize(
    ("version", "gate", "types", "given"),
    [("v0_1_0", GATE, {GATE, VIEW}, 13), ("v0_1_0_fleets", FLEET, {FLEET, REQUIRED}, 6)],
)
def test_the_first_version_stores_providers_by_reference_and_of_the_policy_only_what_was_set(
    version: str, gate: str, types: set[str], given: int
) -> None:
    resources = [each for each in of(version)[0]["deployment"]["resources"] if each["type"] in PROVIDERS]
    assert {each["type"] for each in resources} == types
    for resource in resources:
        for form in ("inputs", "outputs"):
            provider = base64.b64decode(resource[form]["__provider"])
            assert len(provider) < 100
            assert all(name in provider for name in PROVIDERS[resource["type"]])
    gates = [each for each in resources if each["type"] == gate]
    policies = {each["urn"].split("::")[-1]: each["inputs"]["policy"] for each in gates}
    assert policies["defaults"] == policies["skipped"] == {}
    assert len(policies["everything"]) == given
    assert policies["everything"]["confirmFailure"] == "never"


@pytest.mark.rest  # the next one has it of one set
def test_a_secret_id_of_one_set_makes_the_outputs_of_a_fleet_secrets_that_would_tell_it(
    project: Project, azure: Emulator
) -> None:
    ids = {name: azure.put_scale_set(name, capacity=2) for name in ("hush-hush", "web")}
    assert project.run("config", "set", "--secret", "scaleSet", ids["hush-hush"]).code == 0
    project.program(f"""
    sets = {{"hidden": pulumi.Config().require_secret("scaleSet"), "web": {ids["web"]!r}}}
    triggers = [pulumi.Output.secret("image-of-mine")]
    fleet = vmss.FleetHealthGate("web", scale_sets=sets, policy=vmss.GatePolicy(hold="0s"), triggers=triggers)
    pulumi.export("ids", fleet.scale_set_ids)
    pulumi.export("healthySets", fleet.healthy_sets)
    """)
    ran = project.up()
    assert ran.code == 0, ran.output
    for text in (ran.output, project.run("stack", "export").output):
        assert "hush-hush" not in text
        assert "image-of-mine" not in text
    shown = json.loads(project.run("stack", "output", "--json", "--show-secrets").output)
    assert shown == {"ids": {"hidden": ids["hush-hush"], "web": ids["web"]}, "healthySets": 2}
    assert project.outputs()["healthySets"] == 2, "what tells no id is no secret"
    assert project.up("--expect-no-changes").code == 0


def test_secret_inputs_are_secrets_in_state_also_where_an_output_tells_them(project: Project, azure: Emulator) -> None:
    scale_set = azure.put_scale_set("hush-hush", capacity=2)
    assert project.run("config", "set", "--secret", "scaleSet", scale_set).code == 0
    project.program("""
    config = pulumi.Config()
    web = config.require_secret("scaleSet")
    gate = vmss.ScaleSetHealthGate(
        "web",
        scale_set=web,
        policy=vmss.GatePolicy(hold="0s"),
        triggers=[pulumi.Output.secret("image-of-mine"), {"key": pulumi.Output.secret("image-of-mine")}],
    )
    vmss.ScaleSetInstanceView("view", scale_set=web, include_instances=True, triggers=[gate.scale_set_id])
    pulumi.export("id", gate.scale_set_id)
    """)
    ran = project.up()
    assert ran.code == 0, ran.output
    exported = project.run("stack", "export").output
    for secret in ("hush-hush", "image-of-mine"):
        assert secret not in exported
    assert scale_set not in ran.output
    shown = json.loads(project.run("stack", "output", "--json", "--show-secrets").output)
    assert shown == {"id": scale_set}
    assert project.up("--expect-no-changes").code == 0


@BOTH
def test_outputs_that_the_user_calls_secret_are_so_in_all_that_is_stored(
    project: Project, azure: Emulator, gate: Gate
) -> None:
    web = repr(azure.put_scale_set("web", capacity=2, health=True))
    own = ["orchestration_mode", "virtualMachine"] if gate is SINGLE else ["healthy_sets", "requiredSets"]
    stored = {"message", *map(stored_key, own)}
    for trigger, life in (("1", HEALTHY), ("2", UNHEALTHY)):
        azure.load(life)
        arguments = f"policy=policy, triggers=[{trigger!r}], opts=opts"
        project.program(f"""
        opts = pulumi.ResourceOptions(additional_secret_outputs={["message", *own]!r})
        policy = vmss.GatePolicy(hold="0s", timeout="2s")
        gate = {gate.declared(web, arguments)}
        pulumi.export("message", gate.message)
        """)
        ran = project.up()
        assert (ran.code == 0) == (life is HEALTHY), ran.output
        for kind in (gate.kind, gate.component):
            outputs = project.state()[f"{kind}/web"]["outputs"]
            assert {name for name, value in outputs.items() if "ciphertext" in json.dumps(value)} == stored, kind
    assert "ciphertext" in project.outputs()["message"]


@pytest.mark.rest  # another resource that stores what a gate says
def test_what_a_gate_says_of_a_secret_set_is_a_secret_also_where_its_health_is_required(
    project: Project, azure: Emulator
) -> None:
    azure.load(UNHEALTHY)
    scale_set = azure.put_scale_set("hush-hush", capacity=2, health=True)
    assert project.run("config", "set", "--secret", "scaleSet", scale_set).code == 0
    project.program("""
    web = pulumi.Config().require_secret("scaleSet")
    gate = vmss.ScaleSetHealthGate(
        "web", scale_set=web, policy=vmss.GatePolicy(hold="0s", timeout="2s"), on_failure="warn", recheck="always"
    )
    vmss.RequireHealthy("web", gate=gate)
    """)
    for _ in ("create", "update"):
        assert project.up().code != 0
        required = project.state()["RequireHealthy/web"]
        assert required["initErrors"], "it did not fail: this shows nothing"
        assert "hush-hush" not in json.dumps([required["inputs"], required["outputs"]])
        assert "ciphertext" in required["outputs"]["message"]
