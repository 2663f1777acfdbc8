"""What only the plugin has, on the real engine: unknown inputs, secrets, settings, identities, imports, its process."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from tests.engine.fronts import has_host, yaml
from tests.engine.processes import plugins_below, wait_for_the_end
from tests.engine.projects import HEALTHY, UNHEALTHY, Project, Ran, wait_for_a_look
from tests.pages import ROOT
from yaml import safe_load

from pulumi_vmss_health.plugin.install import install
from pulumi_vmss_health.version import __version__
from vmss_emulator import Emulator

if not has_host("yaml"):
    pytest.skip("there is no pulumi-language-yaml: `make setup` brings one with the CLI", allow_module_level=True)

pytestmark = pytest.mark.engine

FAST = {"timeout": "3s", "hold": "0s"}
CANARY = "canary-8d21"


def gate(
    scale_set: object, policy: object = FAST, options: dict[str, Any] | None = None, **inputs: Any
) -> dict[str, Any]:
    properties = {"scaleSetId": scale_set, "policy": policy, "triggers": [], **inputs}
    return {"type": "vmss-health:ScaleSetHealthGate", "properties": properties, "options": options or {}}


def provider(**settings: Any) -> dict[str, Any]:
    return {"type": "pulumi:providers:vmss-health", "properties": settings}


def clean(ran: Ran) -> str:
    for trace in ("Traceback", "Exception calling", "panic:", "bug in the provider"):
        assert trace not in ran.output, ran.output
    return ran.output


def states(project: Project) -> list[str]:
    return [each["outputs"]["state"] for key, each in project.state().items() if key.startswith("ScaleSetHealthGate/")]


def test_inputs_that_only_the_update_knows_are_previewed_and_the_gate_of_a_parent_is_one(
    project: Project, azure: Emulator
) -> None:
    web = azure.put_scale_set("web", capacity=2)
    named = azure.put_scale_set("Uniform", capacity=2)  # as the view of the other will call its mode
    view = {"type": "vmss-health:ScaleSetInstanceView", "properties": {"scaleSetId": web}}
    policy = {"minHealthy": "${view.capacity}", "timeout": "1m", "hold": "0s"}
    unknown = gate(
        named.replace("/Uniform", "/${view.orchestrationMode}"),
        policy,
        {"parent": "${view}"},
        triggers=["${view.readAt}"],
    )
    yaml(project, {"view": view, "web": unknown}, outputs={"healthy": "${web.healthy}"})
    ran = project.run("preview", "--non-interactive", "--diff")
    assert ran.code == 0, clean(ran)
    assert azure.requests == ()
    ran = project.up()
    assert ran.code == 0, clean(ran)
    stored = project.state()["ScaleSetHealthGate/web"]
    assert stored["outputs"]["scaleSetId"] == named
    assert stored["inputs"]["policy"]["minHealthy"] == 2
    assert "ScaleSetInstanceView$vmss-health:index:ScaleSetHealthGate::" in stored["urn"]


@pytest.mark.parametrize(
    ("properties", "told"),
    [
        ({"scaleSetId": "web"}, "scaleSetId: no leading '/' in scale set id 'web'"),
        pytest.param(
            {"policy": {"minHealthy": "9O%"}},
            "policy.minHealthy must be a count such as 3 or a percentage such as '90%'",
            marks=pytest.mark.rest,
        ),
    ],
)
def test_a_wrong_input_is_refused_in_preview_by_its_path(
    project: Project, azure: Emulator, properties: dict[str, Any], told: str
) -> None:
    resource = gate(azure.put_scale_set("web"))
    resource["properties"].update(properties)
    yaml(project, {"web": resource})
    ran = project.run("preview", "--non-interactive")
    assert ran.code != 0
    assert told in clean(ran)
    assert "<nil>" not in ran.output


@pytest.mark.rest  # test_timeouts.py has it in Python
def test_time_outs_of_the_resource_that_are_too_short_for_its_policy_are_refused(
    project: Project, azure: Emulator
) -> None:
    resource = gate(azure.put_scale_set("web"), {"hold": "1m"}, {"customTimeouts": {"create": "30s"}})
    yaml(project, {"web": resource})
    for ran in (project.run("preview", "--non-interactive"), project.up()):
        assert ran.code != 0
        assert "policy.hold (1m) must be shorter than policy.timeout (30s) (the resource's customTimeouts" in clean(ran)
    assert "ScaleSetHealthGate/web" not in project.state()


@pytest.mark.rest  # test_stored_state.py and test_secrets.py have it in Python
def test_no_secret_is_in_state_or_output_through_failures_of_create_refresh_and_update(
    project: Project, azure: Emulator
) -> None:
    def ran(*command: str) -> str:
        done = project.run(*command, "--yes", "--skip-preview", "--non-interactive")
        return clean(done)

    azure.load(UNHEALTHY)
    scale_set = azure.put_scale_set(CANARY, capacity=2, health=True)
    settings = {
        "clientId": azure.client_id,
        "clientSecret": azure.client_secret,  # in the clear on purpose
        "tenantId": azure.tenant_id,
    }
    secret = {"fn::secret": scale_set}
    triggers = [{"fn::secret": f"{CANARY}-trigger"}]
    for operation in ("create", "update"):
        resource = gate(
            secret, {"timeout": "3s", "hold": "0s"}, {"provider": "${reader}"}, triggers=[*triggers, operation]
        )
        view = {
            "type": "vmss-health:ScaleSetInstanceView",
            "properties": {"scaleSetId": secret, "includeInstances": True},
            "options": {"provider": "${reader}"},
        }
        yaml(project, {"reader": provider(**settings), "web": resource, "view": view})
        said = ran("up")
        assert "scale set [secret] is not healthy after 3s" in said
        said += ran("refresh")
        azure.load(HEALTHY)
        said += ran("up")
        assert states(project) == ["healthy"]
        azure.load(UNHEALTHY)
        said += ran("refresh")
        assert states(project) == ["progressing"]
        azure.load(
            {**UNHEALTHY, "faults": [{"match": "GET */instanceView", "status": 403, "code": "AuthorizationFailed"}]}
        )
        said += ran("refresh")
        azure.load(UNHEALTHY)
        kept = json.dumps(project.deployment())
        for word in (CANARY, azure.client_secret, *azure.tokens):
            assert word not in said
            assert word not in kept


@pytest.mark.rest  # another setting than those of the two identities
def test_a_provider_that_is_given_another_setting_uses_it_in_the_same_update(project: Project, azure: Emulator) -> None:
    web = azure.put_scale_set("web", capacity=2)
    settings = {"clientId": azure.client_id, "tenantId": azure.tenant_id}
    with_provider = {"provider": "${reader}"}
    wrong = f"{CANARY}-secret"
    yaml(project, {"reader": provider(**settings, clientSecret=wrong), "web": gate(web, FAST, with_provider)})
    ran = project.up()
    assert ran.code != 0
    assert "check vmss-health:clientId or ARM_CLIENT_ID, vmss-health:tenantId or ARM_TENANT_ID" in clean(ran).replace(
        "\n" + " " * 10, " "
    )
    assert wrong not in ran.output + json.dumps(project.deployment())

    yaml(
        project,
        {"reader": provider(**settings, clientSecret=azure.client_secret), "web": gate(web, FAST, with_provider)},
    )
    ran = project.up()
    assert ran.code == 0, clean(ran)
    assert states(project) == ["healthy"]


@pytest.mark.rest  # another wrong input
def test_a_setting_that_is_none_is_refused_by_its_name(project: Project, azure: Emulator) -> None:
    assert project.run("config", "set", "vmss-health:useMsi", "maybe").code == 0
    yaml(project, {"web": gate(azure.put_scale_set("web"))})
    ran = project.run("preview", "--non-interactive")
    assert ran.code != 0
    assert "useMsi must be true or false" in clean(ran)


@pytest.mark.rest  # test_credentials.py has the identity of a stack
def test_two_providers_read_as_two_identities_beside_the_stacks_own(project: Project, azure: Emulator) -> None:
    project.environment.pop("ARM_CLIENT_SECRET")
    project.environment.update(azure.managed_identity_environment)
    application = {"clientId": azure.client_id, "clientSecret": azure.client_secret, "tenantId": azure.tenant_id}
    one, other = azure.put_scale_set("one", capacity=1), azure.put_scale_set("other", capacity=1)
    machine = "11111111-aaaa-4aaa-8aaa-111111111111"
    resources = {
        "application": provider(**application, useMsi=False),
        "machine": provider(clientId=machine, useMsi=True),
        "one": gate(one, FAST, {"provider": "${application}"}),
        "other": gate(other, FAST, {"provider": "${machine}"}),
    }
    yaml(project, resources)
    ran = project.up()
    assert ran.code == 0, clean(ran)
    assert states(project) == ["healthy", "healthy"]
    asked = {
        (each.client_id, name)
        for each in azure.requests
        for name in ("one", "other")
        if f"/virtualMachineScaleSets/{name}" in each.path
    }
    assert asked == {(azure.client_id, "one"), (machine, "other")}


@pytest.mark.rest  # test_instance_view.py has it in Python
def test_the_function_reads_in_preview_too(project: Project, azure: Emulator) -> None:
    web = azure.put_scale_set("web", capacity=2)
    call = {"fn::invoke": {"function": "vmss-health:getInstanceView", "arguments": {"scaleSetId": web}}}
    yaml(project, {}, variables={"view": call}, outputs={"capacity": "${view.capacity}"})
    ran = project.run("preview", "--non-interactive")
    assert ran.code == 0, clean(ran)
    assert "capacity: 2" in ran.output
    call["fn::invoke"]["arguments"] = {"scaleSetId": "web"}
    yaml(project, {}, variables={"view": call}, outputs={"capacity": "${view.capacity}"})
    ran = project.run("preview", "--non-interactive")
    assert ran.code != 0
    assert "scaleSetId: no leading '/'" in clean(ran)


def test_the_example_in_yaml_runs(project: Project, azure: Emulator) -> None:
    yaml(project, {})
    shutil.copy(ROOT / "examples" / "yaml" / "Pulumi.yaml", project.folder)
    assert project.run("config", "set", "scaleSetId", azure.put_scale_set("web", capacity=2)).code == 0
    ran = project.up()
    assert ran.code == 0, clean(ran)
    assert (project.outputs()["healthy"], project.outputs()["capacity"]) == (True, 2)


@pytest.mark.rest  # another way to the plugin than its folder
def test_pulumi_package_add_takes_the_installed_plugin_and_the_program_runs_on_it(
    project: Project, azure: Emulator
) -> None:
    yaml(project, {"web": gate(azure.put_scale_set("web", capacity=2))})
    plugin = install(Path(project.environment["PULUMI_HOME"]))
    ran = project.run("package", "add", str(plugin))
    assert ran.code == 0, clean(ran)
    added = safe_load((project.folder / "Pulumi.yaml").read_text())
    assert added["packages"] == {"vmss-health": f"vmss-health@{__version__}"}
    ran = project.up()
    assert ran.code == 0, clean(ran)
    assert "warning" not in ran.output
    assert states(project) == ["healthy"]


@pytest.mark.rest  # another version in an update without a change, which test_languages.py has
def test_a_newer_plugin_gates_nothing_again(project: Project, azure: Emulator) -> None:
    yaml(project, {"web": gate(azure.put_scale_set("web", capacity=2))})
    ran = project.up()
    assert ran.code == 0, clean(ran)
    asked = len(azure.requests)
    plugin = install(Path(project.environment["PULUMI_HOME"]))
    newer = plugin.parent.with_name("resource-vmss-health-v99.0.0")
    plugin.parent.rename(newer)
    script, served = newer / plugin.name, "from pulumi_vmss_health.plugin.server"
    told = "import pulumi_vmss_health.version as version; version.__version__ = '\"'\"'99.0.0'\"'\"'; "
    script.write_text(script.read_text().replace(served, told + served))
    ran = project.up("--expect-no-changes")
    assert ran.code == 0, clean(ran)
    assert len(azure.requests) == asked
    assert newer.with_name(f"{newer.name}.lastused").exists(), "the engine took another one"


@pytest.mark.rest  # tests/plugin has the words
def test_an_import_is_refused_in_own_words(project: Project, azure: Emulator) -> None:
    for state in ({}, {"scaleSetId": azure.put_scale_set("web"), "state": "skipped"}):
        got = {"type": "vmss-health:ScaleSetHealthGate", "get": {"id": "any", "state": state}}
        yaml(project, {"web": got})
        ran = project.up()
        assert ran.code != 0
        assert "any cannot be imported: a gate is a wait and nothing in Azure" in clean(ran)


@pytest.mark.rest  # test_interrupt.py has it in Python
@pytest.mark.parametrize(
    ("gates", "faults"),
    [
        pytest.param(12, [], id="12"),
        pytest.param(12, [{"match": "GET *", "hang": "headers"}], id="12 while everything hangs"),
        pytest.param(100, [], id="100"),
    ],
)
def test_a_first_ctrl_c_ends_all_waiting_gates_within_a_second_and_the_next_update_gates_again(
    project: Project, azure: Emulator, gates: int, faults: list[dict[str, object]]
) -> None:
    azure.load({**UNHEALTHY, "faults": faults})
    ids = [azure.put_scale_set(f"web{number}", capacity=2, health=True) for number in range(gates)]
    policy = {"timeout": "10m", "hold": "0s"}
    yaml(project, {f"web{number}": gate(each, policy) for number, each in enumerate(ids)})
    running = project.start_up("--parallel", "200")
    for number in range(gates):
        running.until(f"ScaleSetHealthGate web{number} creating")
    if not faults:
        wait_for_a_look(azure, gates)
    interrupted = running.interrupt()
    ended = [running.until(f"ScaleSetHealthGate web{number} **creating failed**") for number in range(gates)]
    ran = running.wait(timeout=20)
    assert max(ended) - interrupted < 1
    assert ran.code != 0
    assert "Traceback" not in ran.of_resources
    assert ran.output.count("cancelled after") == gates
    assert states(project) == ["cancelled"] * gates
    assert "pending_operations" not in project.deployment()

    azure.load(HEALTHY)
    ran = project.up("--parallel", "200")
    assert ran.code == 0, clean(ran)
    assert states(project) == ["healthy"] * gates


@pytest.mark.rest  # test_gate.py has it of the Python front
@pytest.mark.parametrize("victim", ["engine", "plugin"])
def test_a_kill_leaves_no_process_and_passes_no_gate(project: Project, azure: Emulator, victim: str) -> None:
    azure.load(UNHEALTHY)
    yaml(project, {"web": gate(azure.put_scale_set("web", capacity=2, health=True), {"timeout": "10m", "hold": "0s"})})
    running = project.start_up()
    wait_for_a_look(azure)
    plugins = plugins_below(running.pid)
    if not plugins:
        pytest.skip("there is no /proc to find the plugin's processes in")
    for pid in [running.pid] if victim == "engine" else plugins:
        os.kill(pid, signal.SIGKILL)
    wait_for_the_end(*plugins)
    assert running.wait().code != 0
    if victim == "engine":
        assert project.run("cancel", "--yes", "dev").code == 0
    azure.load(HEALTHY)
    ran = project.up()
    assert ran.code == 0, clean(ran)
    assert states(project) == ["healthy"]


@pytest.mark.rest  # also where nobody kills it
def test_the_plugin_ends_with_the_command_that_started_it(project: Project, azure: Emulator) -> None:
    azure.load(UNHEALTHY)
    policy = {"timeout": "1m", "hold": "0s"}
    yaml(project, {"web": gate(azure.put_scale_set("web", capacity=2, health=True), policy)})
    running = project.start_up()
    wait_for_a_look(azure)
    plugins = plugins_below(running.pid)
    if not plugins:
        pytest.skip("there is no /proc to find the plugin's processes in")
    azure.load(HEALTHY)
    assert running.wait().code == 0
    wait_for_the_end(*plugins)
