"""The life of a fleet's gate on the real engine: what holds for the gate of one set holds for that of many."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.emulator.support import ArmSession
from tests.engine.projects import AT_ONCE, AZURE_NATIVE, HEALTHY, UNHEALTHY, Project
from tests.pages import ROOT, blocks

from vmss_emulator import Emulator

pytestmark = pytest.mark.engine

ILL = UNHEALTHY["scale_sets"]["*"]
NAMES = ("web-weu", "web-neu", "api")


# Durations differ, and `…` stands for what is left out.
(SHOWN,) = [text for _, text in blocks(ROOT / "docs" / "fleet.md") if text.startswith("pulumi-python")]
DOCUMENTED = re.escape(" ".join(SHOWN.split())).replace("30m", r"\w+").replace("…", ".*")


def but(**sets: Any) -> dict[str, Any]:
    """A timeline in which all sets are well but these."""
    return {"scale_sets": {"*": AT_ONCE, **sets}}


def put(azure: Emulator, *names: str) -> dict[str, str]:
    return {name: azure.put_scale_set(name, capacity=2, health=True) for name in names}


def fleet(project: Project) -> dict[str, Any]:
    """The fleet's gate in the state."""
    found: dict[str, Any] = project.state()["FleetGate/web"]
    return found


def states(project: Project) -> dict[str, str]:
    """How each set of the fleet is stored."""
    return {name: each["state"] for name, each in fleet(project)["outputs"]["sets"].items()}


def looked_at(azure: Emulator, since: int) -> set[str]:
    """The names of the sets that something was asked of since so many requests."""
    paths = [request.path for request in azure.requests[since:] if request.method == "GET"]
    return {found[1] for path in paths if (found := re.search(r"/virtualMachineScaleSets/([^/]+)", path))}


NEW_SET = """
new = AzureNative(
    "compute:VirtualMachineScaleSet", "new", resourceGroupName="rg", vmScaleSetName="new", location="westeurope",
    sku={{"name": "B1", "capacity": 2}}, tags={{"release": {release!r}}},
)
fleet = vmss.FleetHealthGate(
    "web", scale_sets={{**{ids!r}, "the_new": new}}, policy={{"hold": "0s", "timeout": "1m"}},
    opts=pulumi.ResourceOptions({options}),
)
vmss.ScaleSetInstanceView(
    "after", scale_set=fleet.scale_set_ids["web_weu"], opts=pulumi.ResourceOptions(depends_on=[fleet])
)
for name in ("healthy", "state", "message", "sets", "healthy_sets", "required_sets", "scale_set_ids"):
    pulumi.export(name, getattr(fleet, name))
pulumi.export("capacity", fleet.sets.apply(lambda sets: sets["the_new"].capacity))
"""


@pytest.mark.rest  # test_gate.py and test_changes.py have it of one set
def test_a_fleet_is_unknown_in_preview_but_for_the_ids_that_are_known_then_passes_and_looks_again_at_what_changed(
    project: Project, azure: Emulator
) -> None:
    def program(release: str = "1") -> None:
        project.program(AZURE_NATIVE + NEW_SET.format(ids=ids, release=release, options=""))

    ids = put(azure, "web_weu", "web_neu")
    program()
    ran = project.run("preview", "--non-interactive", "--diff")
    assert ran.code == 0, ran.output
    shown = " ".join(ran.output.split()).replace(" :", ":")
    assert "the_new: [unknown]" in shown
    assert "healthy: [unknown]" in shown
    assert f'scaleSet: "{ids["web_weu"]}"' in shown, "the id of a set that is there is known to what depends on it"
    assert azure.requests == ()

    ran = project.up()
    assert ran.code == 0, ran.output
    assert re.search(r"FleetGate web creating \(\d+s\) 0/3 sets healthy, \d+s of 1m", ran.output)
    outputs = project.outputs()
    assert (outputs["healthy"], outputs["state"], outputs["capacity"]) == (True, "healthy", 2)
    assert (outputs["healthy_sets"], outputs["required_sets"]) == (3, 3)
    assert outputs["message"].startswith("3 of 3 scale sets are healthy after ")
    # Typed in the program, plain JSON with Azure's names outside; the names of the sets are the user's.
    state = project.state()
    every = {**ids, "the_new": state["VirtualMachineScaleSet/new"]["id"]}
    assert outputs["scale_set_ids"] == state["FleetHealthGate/web"]["outputs"]["scaleSetIds"] == every
    assert outputs["sets"] == state["FleetHealthGate/web"]["outputs"]["sets"] == fleet(project)["outputs"]["sets"]
    assert outputs["sets"]["web_weu"]["scaleSetId"] == ids["web_weu"]

    passed, before = fleet(project)["outputs"]["sets"], len(azure.requests)
    program(release="2")
    ran = project.up()
    assert "FleetGate web updated" in ran.output
    assert "[diff: ~setTriggers]" in ran.output
    assert "ScaleSetInstanceView after updated" in ran.output, "an id of the fleet is of all its sets"
    assert looked_at(azure, before) == {"new", "web_weu"}, "the set whose etag changed, and that of the view"
    gated = {name for name, each in fleet(project)["outputs"]["sets"].items() if each != passed[name]}
    assert gated == {"the_new"}


@pytest.mark.rest  # test_changes.py has it of one set
def test_what_a_set_brings_by_itself_is_ignored_or_replaces_the_gate_with_the_triggers_and_a_set_by_its_name(
    project: Project, azure: Emulator
) -> None:
    def up(release: str, options: str) -> str:
        project.program(AZURE_NATIVE + NEW_SET.format(ids=ids, release=release, options=options))
        ran = project.up()
        assert ran.code == 0, ran.output
        assert ("VirtualMachineScaleSet new updated" in ran.output) is (release != before)
        return ran.output

    ids, before = put(azure, "web_weu", "web_neu", "other"), "1"
    other = ids.pop("other")
    project.program(AZURE_NATIVE + NEW_SET.format(ids=ids, release=before, options=""))
    assert project.up().code == 0

    assert "FleetGate" not in up("2", "ignore_changes=['triggers']")
    before = "2"
    ids["web_weu"] = other
    assert "FleetGate" not in up("2", """ignore_changes=['triggers', 'scale_sets["web_weu"]']""")
    assert "FleetGate web created replacement" in up("3", "replace_on_changes=['triggers']")


@pytest.mark.rest  # test_changes.py has them of one set
def test_without_a_change_or_with_ignored_ones_a_fleet_is_not_looked_at_and_triggers_may_replace_its_gate(
    project: Project, azure: Emulator
) -> None:
    def program(arguments: str = "") -> None:
        project.program(MANY.format(ids=ids, timeout="1m", arguments=arguments))

    ids = put(azure, *NAMES)
    program()
    assert project.up().code == 0
    first, before = fleet(project)["id"], len(azure.requests)
    assert project.up("--expect-no-changes").code == 0
    program("opts=pulumi.ResourceOptions(ignore_changes=['triggers', 'policy.timeout']), triggers=['v2']")
    assert project.up("--expect-no-changes").code == 0
    assert looked_at(azure, before) == set()

    program("triggers=['v2'], opts=pulumi.ResourceOptions(replace_on_changes=['triggers'])")
    assert "FleetGate web created replacement" in project.up().output
    assert fleet(project)["id"] != first


MANY = """
fleet = vmss.FleetHealthGate("web", scale_sets={ids!r}, policy={{"hold": "0s", "timeout": "{timeout}"}}, {arguments})
vmss.ScaleSetInstanceView(
    "after", scale_set=fleet.scale_set_ids["api"], opts=pulumi.ResourceOptions(depends_on=[fleet])
)
pulumi.export("healthy", fleet.healthy)
pulumi.export("state", fleet.state)
"""


def test_a_fleet_that_failed_groups_the_causes_stays_armed_and_looks_only_at_what_did_not_pass(
    project: Project, azure: Emulator
) -> None:
    azure.load(but(**{"web-neu": ILL, "api": ILL}))
    project.program(MANY.format(ids=put(azure, *NAMES), timeout="5s", arguments=""))
    ran = project.up()
    assert ran.code != 0
    assert "Traceback" not in ran.output
    headline, cause, hint, *closer = [line.strip() for line in ran.told.splitlines() if line.strip().startswith("* ")]
    assert headline == "* 1 of 3 scale sets is healthy after 5s, which is the timeout of the policy; all are needed"
    assert cause.startswith("* api, web-neu: instance 1: application health unhealthy, want healthy")
    assert hint.startswith("* next: check the application's log")
    assert "look closer: `az vmss list-instances -g rg -n api" in closer[0]
    assert re.search(DOCUMENTED, " ".join(ran.output.split()))
    state = project.state()
    assert state["FleetGate/web"]["initErrors"][0].startswith("1 of 3 scale sets is healthy after 5s")
    assert "ScaleSetInstanceView/after" not in state
    assert states(project) == {"web-weu": "healthy", "web-neu": "timedOut", "api": "timedOut"}

    azure.load(HEALTHY)
    ran = project.refresh()
    assert ran.code == 0, ran.output
    assert "the next `pulumi up` runs this gate again: 1 of 3 scale sets is healthy" in ran.output
    assert "all sets are healthy now" in ran.output
    assert fleet(project)["outputs"]["state"] == "timedOut"

    before = len(azure.requests)
    ran = project.up()
    assert ran.code == 0, ran.output
    assert fleet(project)["outputs"]["evidence"]["requests"] > 0
    paths = {request.path for request in azure.requests[before:] if "/web-weu" in request.path}
    assert paths == set(), "a set that passed was looked at again"
    assert set(states(project).values()) == {"healthy"}
    assert "ScaleSetInstanceView/after" in project.state()


@pytest.mark.rest  # tests/fleets/test_fleet_provider.py has it without an engine
def test_a_refresh_lowers_drops_and_never_raises_a_fleet(project: Project, azure: Emulator) -> None:
    ids = put(azure, *NAMES)
    project.program(MANY.format(ids=ids, timeout="5s", arguments="min_healthy_sets=2"))
    assert project.up().code == 0
    # More may have passed than were needed, and what was not decided is not stored as healthy.
    project.program(MANY.format(ids=ids, timeout="20s", arguments=""))
    assert project.up().code == 0
    assert set(states(project).values()) == {"healthy"}
    assert project.refresh("--expect-no-changes").code == 0

    azure.load(but(**{"web-neu": ILL}))
    ran = project.run("preview", "--refresh", "--non-interactive")
    assert "2 of 3 scale sets are healthy, 3 were" in ran.output
    assert "web-neu: instance 1: application health unhealthy" in ran.output
    assert "FleetGate web update" in ran.output
    assert states(project)["web-neu"] == "healthy", "a preview changes nothing"
    assert project.refresh().code == 0
    assert states(project) == {"web-weu": "healthy", "web-neu": "progressing", "api": "healthy"}
    assert fleet(project)["outputs"]["state"] == "progressing"

    arm = ArmSession(azure)
    arm.finish(arm.ask("DELETE", ids["api"]))
    ran = project.refresh()
    assert ran.code == 0, ran.output
    assert "api: not there any more" in ran.output
    for name in ("web-weu", "web-neu"):
        arm.finish(arm.ask("DELETE", ids[name]))
    arm.close()
    assert project.refresh().code == 0
    assert "FleetGate/web" not in project.state()


@pytest.mark.rest  # tests/fleets/test_fleet_provider.py has each without an engine
def test_what_the_user_lets_pass_tells_the_truth_and_a_minimum_lets_the_stack_go_on(
    project: Project, azure: Emulator
) -> None:
    ids = put(azure, *NAMES)
    azure.load(but(**{"web-neu": ILL}))

    def up(arguments: str, *options: str) -> str:
        project.program(MANY.format(ids=ids, timeout="5s", arguments=arguments))
        ran = project.up(*options)
        assert ran.code == 0, ran.output
        return ran.told

    up("skip=True")
    assert project.outputs() == {"healthy": False, "state": "skipped"}
    assert looked_at(azure, 0) == {"api"}, "the view that depends on the gate, and nobody else"

    told = up("on_failure='warn'")
    assert "warning: 2 of 3 scale sets are healthy after 5s, which is the timeout of the policy" in told
    assert "web-neu: instance 1: application health unhealthy" in told
    assert project.outputs() == {"healthy": False, "state": "warned"}
    before = len(azure.requests)
    up("on_failure='warn'", "--expect-no-changes")
    assert len(azure.requests) == before

    up("min_healthy_sets=2, recheck='always'")
    assert looked_at(azure, before) == set(ids)
    assert project.outputs() == {"healthy": True, "state": "healthy"}
    assert states(project)["web-neu"] == "progressing"
    assert project.run("preview", "--non-interactive", "--expect-no-changes").code != 0


TWINS = "scale_sets: 'a' and 'b' are the same scale set"


@pytest.mark.rest  # test_preview.py has it of one set
@pytest.mark.parametrize(
    ("id_", "told"),
    [
        ("id", TWINS),
        ("id.lower()", TWINS),
        ("id[:-6]", "scale_sets['a']: "),
        ("None", "scale_sets['a']: no leading '/'"),
    ],
)
def test_a_mistake_that_only_an_output_knows_is_refused_in_preview_in_one_line(
    project: Project, azure: Emulator, id_: str, told: str
) -> None:
    project.program(f"""
    id = {azure.put_scale_set("web")!r}
    vmss.FleetHealthGate("web", scale_sets={{"a": pulumi.Output.from_input(id).apply(lambda id: {id_}), "b": id}})
    """)
    ran = project.run("preview", "--non-interactive")
    assert ran.code != 0
    errors = [line for line in ran.output.splitlines() if line.startswith("    error:")]
    (line,) = [line for line in errors if "Resource monitor has terminated" not in line]
    assert "property scaleSets" in line
    assert told in line
    assert "Traceback" not in ran.output
    assert azure.requests == ()


@pytest.mark.rest  # a long one; test_fleet_plugin.py has that of the documents, short
def test_the_example_of_a_fleet_goes_on_with_enough_sets_and_names_the_one_that_is_ill(
    project: Project, azure: Emulator
) -> None:
    pytest.importorskip("pulumi_azure_native", reason="the extra azure-native is not installed")
    azure.load(but(**{"web-neu-2": ILL}))
    (project.folder / "__main__.py").write_text((ROOT / "examples" / "fleet" / "__main__.py").read_text())
    assert project.run("config", "set", "sshPublicKey", "ssh-ed25519 AAAA").code == 0
    ran = project.up()
    assert ran.code == 0, ran.output
    outputs = project.outputs()
    assert (outputs["healthy"], outputs["healthySets"], outputs["requiredSets"]) == (True, 3, 3)
    assert outputs["message"].startswith("3 of 4 scale sets are healthy after ")
    assert outputs["notHealthy"] == ["neu-2"]
    assert "PublicIPAddress/web" in project.state()
