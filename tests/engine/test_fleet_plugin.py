"""The gate of a fleet in YAML programs, on the real engine: it says and keeps what the one of Python programs does."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.engine.fronts import has_host, yaml
from tests.engine.projects import AT_ONCE, HEALTHY, UNHEALTHY, Project, Ran
from tests.pages import ROOT, blocks

from vmss_emulator import Emulator

if not has_host("yaml"):
    pytest.skip("there is no pulumi-language-yaml: `make setup` brings one with the CLI", allow_module_level=True)

pytestmark = pytest.mark.engine

FAST = {"timeout": "8s", "hold": "0s"}
CANARY = "canary-31b7"
ONE_ILL = {"scale_sets": {"*": AT_ONCE, "b": UNHEALTHY["scale_sets"]["*"]}}
PYTHON = """
gate = vmss.FleetHealthGate("web", scale_sets={ids!r}, policy={policy!r})
"""


@pytest.fixture
def ids(azure: Emulator) -> dict[str, str]:
    """Three sets, one of them Flexible."""
    modes = {"web-a": "Uniform", "web-b": "Uniform", "web-c": "Flexible"}
    return {
        name: azure.put_scale_set(name[-1], capacity=2, health=True, orchestration_mode=mode)
        for name, mode in modes.items()
    }


def gate(ids: object, policy: object = FAST, **inputs: Any) -> dict[str, Any]:
    properties = {"scaleSetIds": ids, "policy": policy, **inputs}
    return {"type": "vmss-health:FleetHealthGate", "properties": properties}


def clean(ran: Ran) -> str:
    for trace in ("Traceback", "Exception calling", "panic:", "bug in the provider"):
        assert trace not in ran.output, ran.output
    return ran.output


def stored(project: Project, kind: str = "FleetHealthGate") -> dict[str, Any]:
    found: dict[str, Any] = project.state()[f"{kind}/web"]
    return found


def asked_of(azure: Emulator, since: int) -> set[str]:
    """The sets that Azure was asked of since so many requests."""
    paths = [each.path for each in azure.requests[since:]]
    return {name for name in "abc" if any(f"/virtualMachineScaleSets/{name}" in path for path in paths)}


@pytest.mark.rest  # test_fleet.py has it in Python
def test_a_fleet_passes_with_what_was_found_of_each_set_and_nothing_runs_without_a_change(
    project: Project, azure: Emulator, ids: dict[str, str]
) -> None:
    after = {"type": "vmss-health:ScaleSetInstanceView", "properties": {"scaleSetId": "${web.scaleSetIds.web-b}"}}
    told = ("healthy", "healthySets", "requiredSets", "scaleSetIds")
    outputs = {**{key: f"${{web.{key}}}" for key in told}, "mode": "${web.sets.web-c.orchestrationMode}"}
    triggers = {"web-a": ["1"], "web-b": [], "web-c": []}
    program = {"web": gate(ids, minHealthySets="60%", setTriggers=triggers), "after": after}
    yaml(project, program, outputs=outputs)
    ran = project.run("preview", "--non-interactive", "--diff")
    assert ran.code == 0, clean(ran)
    assert "healthySets" in ran.output
    assert azure.requests == ()

    yaml(project, {**program, "web": gate(ids, minHealthySets=3, setTriggers=triggers)}, outputs=outputs)
    ran = project.up()
    assert ran.code == 0, clean(ran)
    assert "sets healthy" in ran.output, "there is no status line"
    assert "warning" not in ran.output
    assert project.outputs() == {
        "healthy": True,
        "healthySets": 3,
        "requiredSets": 3,
        "scaleSetIds": ids,
        "mode": "Flexible",
    }
    assert stored(project)["outputs"]["sets"]["web-a"]["message"].startswith("scale set a is healthy after")

    before = len(azure.requests)
    spelled = {name: f"{each.replace('resourceGroups', 'resourcegroups')}/" for name, each in ids.items()}
    yaml(project, {**program, "web": gate(spelled, minHealthySets=3, setTriggers=triggers)}, outputs=outputs)
    ran = project.up("--expect-no-changes")
    assert ran.code == 0, clean(ran)
    assert len(azure.requests) == before

    yaml(
        project,
        {**program, "web": gate(ids, minHealthySets=3, setTriggers={**triggers, "web-a": ["2"]})},
        outputs=outputs,
    )
    ran = project.up("--target", stored(project)["urn"])
    assert ran.code == 0, clean(ran)
    assert asked_of(azure, before) == {"a"}


def test_the_fleet_of_the_documents_runs(project: Project, azure: Emulator, ids: dict[str, str]) -> None:
    (text,) = [text for language, text in blocks(ROOT / "docs" / "languages.md") if language == "yaml"]
    azure.load(ONE_ILL)
    yaml(project, {})
    (project.folder / "Pulumi.yaml").write_text(text.replace("name: fleet", f"name: {project.name}"))
    for key, value in {"webWeu": ids["web-a"], "webNeu": ids["web-b"], "release": "1"}.items():
        assert project.run("config", "set", key, value).code == 0
    ran = project.up()
    assert ran.code == 0, clean(ran)
    assert "would be noticed" not in ran.output
    assert project.outputs() == {"healthySets": 1, "capacity": 2}


@pytest.mark.rest  # test_fleet.py has it in Python
def test_a_fleet_fails_with_the_lines_of_the_python_front_and_the_next_update_looks_only_at_the_rest(
    project: Project, azure: Emulator, ids: dict[str, str]
) -> None:
    azure.load(ONE_ILL)
    python = project.neighbour("other")
    python.program(PYTHON.format(ids=ids, policy=FAST))
    yaml(project, {"web": gate(ids)})
    told = []
    for each, kind in ((python, "FleetGate"), (project, "FleetHealthGate")):
        ran = each.up()
        assert ran.code != 0
        clean(ran)
        failed = stored(each, kind)
        assert (failed["outputs"]["state"], failed["outputs"]["healthySets"]) == ("timedOut", 2)
        told.append(failed["initErrors"])
        for line in failed["initErrors"]:
            assert " ".join(line.split()) in " ".join(ran.output.split())
    assert told[0] == told[1]
    assert len(told[1]) >= 3

    azure.load(HEALTHY)
    ran = project.refresh()
    assert ran.code == 0, clean(ran)
    assert "all sets are healthy now" in ran.output
    assert stored(project)["outputs"]["state"] == "timedOut"

    before = len(azure.requests)
    ran = project.up()
    assert ran.code == 0, clean(ran)
    assert asked_of(azure, before) == {"b"}
    assert stored(project)["outputs"]["state"] == "healthy"
    assert not stored(project).get("initErrors")


@pytest.mark.rest  # test_plugin.py has it of one set
def test_a_secret_id_of_a_fleet_is_nowhere_in_the_clear_through_failures_of_create_refresh_and_update(
    project: Project, azure: Emulator, ids: dict[str, str]
) -> None:
    ill = {"scale_sets": {"*": AT_ONCE, CANARY: UNHEALTHY["scale_sets"]["*"]}}
    hidden = azure.put_scale_set(CANARY, capacity=2, health=True, orchestration_mode="Flexible")
    secret = {**ids, "web-b": {"fn::secret": hidden}}
    said = ""
    azure.load(ill)
    for release in ("1", "2"):
        yaml(project, {"web": gate(secret, setTriggers={"web-b": [{"fn::secret": f"{CANARY}-{release}"}]})})
        ran = project.up()
        assert ran.code != 0
        assert "web-b: instance" in ran.told
        said += clean(ran) + clean(project.refresh())
        azure.load(HEALTHY)
        ran = project.up("--diff")
        assert ran.code == 0, clean(ran)
        said += ran.output
        azure.load(ill)
        said += clean(project.refresh())
        assert stored(project)["outputs"]["state"] == "progressing"
        assert CANARY not in json.dumps(project.deployment())
    assert "[secret]" in said
    assert CANARY not in said


@pytest.mark.rest  # test_plugin.py has it of one set
def test_ids_that_only_the_update_knows_are_previewed_and_wrong_ones_refused_by_their_paths(
    project: Project, azure: Emulator, ids: dict[str, str]
) -> None:
    named = azure.put_scale_set("Uniform", capacity=2)  # as the view of another set will call its mode
    view = {"type": "vmss-health:ScaleSetInstanceView", "properties": {"scaleSetId": ids["web-a"]}}
    unknown = named.replace("/Uniform", "/${view.orchestrationMode}")
    triggers = {"web-d": ["${view.readAt}"]}
    yaml(project, {"view": view, "web": gate({**ids, "web-d": unknown}, setTriggers=triggers)})
    ran = project.run("preview", "--non-interactive", "--diff")
    assert ran.code == 0, clean(ran)
    assert azure.requests == ()
    ran = project.up()
    assert ran.code == 0, clean(ran)
    assert stored(project)["outputs"]["scaleSetIds"] == {**ids, "web-d": named}

    wrong = gate({**ids, "web-b": "web", "web-d": unknown}, minHealthySets=5)
    yaml(project, {"view": view, "web": wrong})
    ran = project.run("preview", "--non-interactive")
    assert ran.code != 0
    assert "scaleSetIds[\"web-b\"]: no leading '/' in scale set id 'web'" in clean(ran)
    assert "minHealthySets (5) must not be more than the number of scale sets (4)" in ran.output
