"""One life of a gate in every language that has a front: nothing of it depends on the language."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.emulator.support import ArmSession
from tests.engine.fronts import COMPILED, Compiled, Dynamic, Front, Wanted, Yaml, has_host
from tests.engine.projects import HEALTHY, UNHEALTHY, Project, looks
from tests.pages import ROOT

from pulumi_vmss_health.evidence.reading import read
from vmss_emulator import Emulator

if not has_host("yaml"):
    pytest.skip("there is no pulumi-language-yaml: `make setup` brings one with the CLI", allow_module_level=True)

pytestmark = pytest.mark.engine

UNREADABLE = {**HEALTHY, "faults": [{"match": "GET */virtualMachineScaleSets/*", "status": 503}]}
FAST = {"timeout": "4s", "hold": "0s"}


@pytest.fixture(
    params=[
        pytest.param(Dynamic(), id="Python", marks=pytest.mark.rest),  # the other modules here have it
        pytest.param(Yaml(), id="YAML"),
        *COMPILED,
    ]
)
def front(request: pytest.FixtureRequest) -> Front:
    found: Front = request.param
    return found


@pytest.fixture
def web(azure: Emulator) -> str:
    return azure.put_scale_set("web", capacity=3, extensions=["cse"], health=True)


def gate(project: Project, front: Front) -> dict[str, Any]:
    found: dict[str, Any] = project.state()[f"{front.gate}/web"]
    return found


def clean(ran: Any) -> str:
    """The output of a command, which has no traceback."""
    output: str = ran.output
    for trace in ("Traceback", "Exception calling", "panic:", "bug in the provider"):
        assert trace not in output, output
    return output


def test_a_preview_and_an_update_without_a_change_ask_azure_nothing_and_an_update_waits(
    project: Project, azure: Emulator, front: Front, web: str
) -> None:
    front.write(project, Wanted(web, inputs={}))
    ran = project.run("preview", "--non-interactive", "--diff")
    assert ran.code == 0, clean(ran)
    shown = " ".join(ran.output.split()).replace(" :", ":")
    assert "healthy: [unknown]" in shown
    assert "no change of the scale set would be noticed" in ran.output
    assert azure.requests == ()

    front.write(project, Wanted(web))
    ran = project.up()
    assert ran.code == 0, clean(ran)
    assert "3/3 VMs" in ran.output, "there is no status line"
    assert "warning" not in ran.output
    vms = {"statusesSummary": [{"code": "ProvisioningState/succeeded", "count": 3}]}
    assert project.outputs() == {"healthy": True, "state": "healthy", "virtualMachine": vms}
    assert gate(project, front)["outputs"]["scaleSetId"] == web

    before = len(azure.requests)
    ran = project.up("--expect-no-changes")
    assert ran.code == 0, clean(ran)
    assert len(azure.requests) == before


@pytest.mark.rest  # test_gate.py: the same in Python
def test_a_failure_says_in_every_language_the_same_and_the_next_update_gates_without_a_change(
    project: Project, azure: Emulator, front: Front, web: str
) -> None:
    azure.load(UNHEALTHY)
    told = []
    for each, of in ((Dynamic(), project.neighbour("other")), (front, project)):
        each.write(of, Wanted(web, FAST))
        ran = of.up()
        assert ran.code != 0
        clean(ran)
        failed = gate(of, each)
        assert (failed["outputs"]["healthy"], failed["outputs"]["state"]) == (False, "timedOut")
        assert "ScaleSetInstanceView/after" not in of.state()
        told.append(failed["initErrors"])
        for line in failed["initErrors"]:
            assert " ".join(line.split()) in " ".join(ran.output.split())
    assert told[0] == told[1]
    assert len(told[1]) >= 4

    azure.load(HEALTHY)
    ran = project.refresh()
    assert ran.code == 0, clean(ran)
    assert "the set is healthy now" in ran.output
    assert gate(project, front)["outputs"]["state"] == "timedOut"

    before = looks(azure)
    ran = project.up()
    assert ran.code == 0, clean(ran)
    assert looks(azure) > before
    assert gate(project, front)["outputs"]["state"] == "healthy"
    assert not gate(project, front).get("initErrors")


@pytest.mark.rest  # test_refresh.py: the same in Python
def test_a_refresh_lowers_a_pass_and_never_raises_a_failure_and_drops_the_gate_of_a_deleted_set(
    project: Project, azure: Emulator, front: Front, web: str
) -> None:
    front.write(project, Wanted(web))
    assert project.up().code == 0
    passed = gate(project, front)

    ran = project.refresh()
    assert ran.code == 0, clean(ran)
    assert "warning" not in ran.output
    assert gate(project, front)["outputs"] == passed["outputs"]

    azure.load(UNREADABLE)
    ran = project.refresh("--target", passed["urn"])
    assert ran.code == 0, clean(ran)
    assert "warning: could not check whether the set is still healthy: model of scale set web" in ran.output
    assert gate(project, front)["outputs"] == passed["outputs"]

    azure.load(UNHEALTHY)
    ran = project.refresh()
    assert ran.code == 0, clean(ran)
    lowered = gate(project, front)
    assert (lowered["outputs"]["healthy"], lowered["outputs"]["state"]) == (False, "progressing")
    assert lowered["inputs"] == passed["inputs"]
    assert lowered["outputs"]["evidence"] == passed["outputs"]["evidence"]
    assert lowered["initErrors"][0] == "scale set web was healthy and is not any more"

    azure.load(HEALTHY)
    assert project.refresh().code == 0
    assert gate(project, front)["outputs"]["state"] == "progressing", "a refresh raised it"
    assert project.run("preview", "--non-interactive", "--expect-no-changes").code != 0

    arm = ArmSession(azure)
    arm.finish(arm.ask("DELETE", arm.set_id))
    arm.close()
    ran = project.refresh()
    assert ran.code == 0, clean(ran)
    assert f"{front.gate}/web" not in project.state()


@pytest.mark.rest  # test_changes.py: the same in Python
def test_a_gate_only_warns_or_is_skipped_or_rechecks_if_it_is_told_to(
    project: Project, azure: Emulator, front: Front, web: str
) -> None:
    azure.load(UNHEALTHY)
    front.write(project, Wanted(web, FAST, {"onFailure": "warn"}))
    ran = project.up()
    assert ran.code == 0, clean(ran)
    assert "warning: scale set web is not healthy after 4s, which is the timeout of the policy" in ran.output
    assert (project.outputs()["healthy"], project.outputs()["state"]) == (False, "warned")

    front.write(project, Wanted(web, FAST, {"skip": True}))
    before = looks(azure)
    ran = project.up("--target", gate(project, front)["urn"])
    assert ran.code == 0, clean(ran)
    assert looks(azure) == before
    assert gate(project, front)["outputs"]["state"] == "skipped"

    azure.load(HEALTHY)
    front.write(project, Wanted(web, FAST, {"recheck": "always"}))
    for _ in range(2):
        before = looks(azure)
        ran = project.up()
        assert ran.code == 0, clean(ran)
        assert looks(azure) > before
    assert project.run("preview", "--non-interactive", "--expect-no-changes").code != 0


@pytest.mark.rest  # test_evidence.py: the same in Python
def test_evidence_is_written_when_a_gate_runs_and_neither_the_state_nor_a_later_change_knows_of_the_file(
    project: Project, azure: Emulator, front: Front, web: str
) -> None:
    file, other = project.folder / "web.json", project.folder / "elsewhere.json"
    front.write(project, Wanted(web, FAST, {"evidenceFile": file.name}))
    ran = project.run("preview", "--non-interactive")
    assert ran.code == 0, clean(ran)
    assert not file.exists(), "a preview waits for nothing"
    ran = project.up()
    assert ran.code == 0, clean(ran)
    (wait,) = read(file)["waits"]
    stored = gate(project, front)
    assert (wait["ending"], wait["requests"]) == ("healthy", stored["outputs"]["evidence"]["requests"])
    assert "evidenceFile" not in {*stored["inputs"], *stored["outputs"]}
    assert file.name not in json.dumps(project.deployment())

    file.unlink()
    for inputs in ({"evidenceFile": other.name}, {}, {"evidenceFile": file.name}):
        front.write(project, Wanted(web, FAST, inputs))
        ran = project.up("--expect-no-changes")
        assert ran.code == 0, clean(ran)
    assert not file.exists()
    assert not other.exists()

    before = looks(azure)
    front.write(project, Wanted(web, FAST, {"evidenceFile": "nowhere/web.json", "recheck": "always"}))
    ran = project.up()
    assert ran.code != 0
    assert "nowhere/web.json cannot be written: No such file or directory" in " ".join(clean(ran).split())
    assert looks(azure) == before, "it is known before the gate waits"


@pytest.mark.rest  # test_failure.py, test_timeouts.py: the same in Python
def test_what_the_engine_does_with_inputs_and_time_outs_it_does_with_those_of_a_gate(
    project: Project, azure: Emulator, front: Front, web: str
) -> None:
    passed = {"timeout": "1m", "hold": "0s"}
    front.write(project, Wanted(web, passed, {"triggers": ["one"]}))
    assert project.up().code == 0
    first = gate(project, front)

    ignoring = {"ignoreChanges": ["policy.timeout"], "replaceOnChanges": ["triggers"]}
    front.write(project, Wanted(web, {**passed, "timeout": "2m"}, {"triggers": ["one"]}, ignoring))
    before = len(azure.requests)
    ran = project.up("--expect-no-changes")
    assert ran.code == 0, clean(ran)
    assert len(azure.requests) == before

    front.write(project, Wanted(web, passed, {"triggers": ["two"]}, ignoring))
    ran = project.up()
    assert ran.code == 0, clean(ran)
    assert gate(project, front)["id"] != first["id"]

    # Azure compares ids without case, and other resources spell them otherwise from one update to the next.
    front.write(project, Wanted(web.replace("resourceGroups", "resourcegroups"), passed, {"triggers": ["two"]}))
    before = looks(azure)
    ran = project.up()
    assert ran.code == 0, clean(ran)
    assert looks(azure) == before

    azure.load(UNHEALTHY)
    limits = {"customTimeouts": {"create": "3s", "update": "3s"}}
    front.write(project, Wanted(web, passed, {"triggers": ["three"]}, limits))
    ran = project.up()
    assert ran.code != 0
    clean(ran)
    assert "scale set web is not healthy after 3s, which is the timeout in the resource's custom" in ran.told
    assert gate(project, front)["outputs"]["evidence"]["limitSeconds"] == 3


@pytest.fixture(params=COMPILED)
def compiled(request: pytest.FixtureRequest) -> Compiled:
    found: Compiled = request.param
    return found


def test_a_gate_in_a_component_takes_an_id_a_policys_field_and_a_trigger_that_only_the_update_knows(
    project: Project, azure: Emulator, compiled: Compiled, web: str
) -> None:
    named = azure.put_scale_set("Uniform", capacity=3)  # as the view of the other will call its mode
    compiled.give(project, compiled.nested.replace("FOLDER", web.removesuffix("/web")))
    ran = project.run("preview", "--non-interactive", "--diff")
    assert ran.code == 0, clean(ran)
    assert azure.requests == ()
    ran = project.up()
    assert ran.code == 0, clean(ran)
    stored = gate(project, compiled)
    assert (stored["outputs"]["scaleSetId"], stored["outputs"]["state"]) == (named, "healthy")
    assert stored["inputs"]["policy"]["minHealthy"] == 3
    assert stored["inputs"]["triggers"] == [project.state()["ScaleSetInstanceView/first"]["outputs"]["readAt"]]
    assert "::my:index:Gated$vmss-health:index:ScaleSetHealthGate::" in stored["urn"]


def test_the_example_of_a_language_runs(project: Project, compiled: Compiled, web: str) -> None:
    compiled.give(project, (ROOT / "examples" / compiled.example).read_text())
    assert project.run("config", "set", "scaleSetId", web).code == 0
    ran = project.up()
    assert ran.code == 0, clean(ran)
    assert (project.outputs()["healthy"], project.outputs()["capacity"]) == (True, 3)
