"""Whole programs on the real Pulumi engine, through `vmss-emulator exec`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.emulator.commands import on_the_engine, resources
from tests.engine.projects import AZURE_NATIVE

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("engine")]

PROGRAMS = Path(__file__).parent / "programs"
TIMELINE = "scale_sets: {'*': {boot: 200ms, extension: 200ms, healthy: 200ms}}"
DEPLOYED = """
set -e
pulumi() { command pulumi "$@" --non-interactive --color never; }
pulumi stack init dev
pulumi up --yes --skip-preview
pulumi stack export > created.json
pulumi stack output --json > outputs.json
"""
LIFE = f"""{DEPLOYED}
pulumi preview --expect-no-changes
pulumi refresh --yes --skip-preview --expect-no-changes
pulumi preview --config size=3 --json > preview.json
pulumi up --yes --skip-preview
pulumi destroy --yes --skip-preview
pulumi stack export > destroyed.json
"""


def run(project: Path, script: str) -> str:
    (project / "timeline.yaml").write_text(TIMELINE)
    told = on_the_engine(project, script, "--timeline", "timeline.yaml")
    assert told.returncode == 0, told.stdout + told.stderr
    return told.stdout


def lived(program: str, folder: Path, script: str = LIFE) -> Path:
    """Let a program live its whole life, or what a script says; returns the folder with what it left."""
    project = Path(shutil.copytree(PROGRAMS / program, folder / program))
    run(project, script)
    return project


def read(project: Path, name: str) -> dict[str, Any]:
    return dict(json.loads((project / name).read_text()))


@pytest.mark.rest  # test_engine.py has a program without a component
def test_a_component_of_the_users_own_makes_a_gated_set_and_what_is_behind_the_gate(tmp_path: Path) -> None:
    project = lived("component", tmp_path, DEPLOYED)
    made, outputs = resources(project / "created.json"), read(project, "outputs.json")
    assert "acme:shop:Shop$azure-native:compute:VirtualMachineScaleSet" in made["shop-machines"]["urn"]
    assert made["shoppictures"]["inputs"]["tags"]["for"] == made["shop-machines"]["id"]
    assert len(outputs["principal"]) == 36
    assert outputs["blobs"].startswith("https://shoppictures")


@pytest.mark.rest  # test_engine.py has such a life of a program without a component
def test_what_a_component_made_stays_the_same_is_changed_and_is_destroyed(tmp_path: Path) -> None:
    project = lived("component", tmp_path)
    changed = {step["urn"].split("::")[-1] for step in read(project, "preview.json")["steps"] if step["op"] == "update"}
    assert {"shop-machines", "shop-web"} <= changed
    assert resources(project / "destroyed.json") == {}


@pytest.mark.rest  # types whose bodies and places tests without an engine have, too
def test_a_scale_set_behind_a_load_balancer_takes_the_ids_that_the_balancer_gives(tmp_path: Path) -> None:
    project = lived("balanced", tmp_path)
    made, outputs = resources(project / "created.json"), read(project, "outputs.json")
    balancer = made["balancer"]["id"]
    assert outputs["pool"] == f"{balancer}/backendAddressPools/machines"
    assert outputs["front"] == f"{balancer}/frontendIPConfigurations/front"
    assert outputs["address"].startswith("198.1")
    profile = made["web"]["outputs"]["virtualMachineProfile"]["networkProfile"]
    assert profile["healthProbe"]["id"] == f"{balancer}/probes/healthz"
    assert [step["op"] for step in read(project, "preview.json")["steps"] if step["op"] != "same"] == ["update"]
    assert resources(project / "destroyed.json") == {}


@pytest.mark.rest
def test_ten_other_types_are_placed_as_azure_places_them_and_feed_each_other(tmp_path: Path) -> None:
    project = lived("many", tmp_path)
    made, outputs = resources(project / "created.json"), read(project, "outputs.json")
    assert made["reads"]["inputs"]["principalId"] == outputs["principal"]
    assert made["reads"]["id"].startswith(
        made["pictures"]["id"] + "/providers/Microsoft.Authorization/roleAssignments/"
    )
    assert made["audit"]["id"].startswith(
        made["vault"]["id"] + "/providers/Microsoft.Insights/diagnosticSettings/audit"
    )
    assert made["thumbnails"]["id"] == made["pictures"]["id"] + "/blobServices/default/containers/thumbnails"
    assert outputs["vault"].startswith("https://vault")
    assert outputs["rule"] == made["rules"]["id"] + "/securityRules/web"
    assert len(outputs["customer"]) == len(outputs["role"]) == 36
    assert resources(project / "destroyed.json") == {}


VERSIONS = """
for version in {versions!r}:
    options = pulumi.ResourceOptions(version=version)
    AzureNative("resources:ResourceGroup", f"g{{version[0]}}", options, location="westeurope")
"""


@pytest.mark.parametrize("versions", [("2.90.0",), pytest.param(("2.90.0", "3.1.0", "4.0.0"), marks=pytest.mark.rest)])
def test_a_program_may_ask_for_any_version_of_azure_native(tmp_path: Path, versions: tuple[str, ...]) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: versions\nruntime: {name: python, options: {toolchain: pip}}\n")
    program = VERSIONS.format(versions=versions)
    (tmp_path / "__main__.py").write_text(f"import pulumi\n{AZURE_NATIVE}\n{program}")
    told = run(tmp_path, "pulumi stack init dev && pulumi up --yes --skip-preview --non-interactive --color never")
    assert f"+ {1 + len(versions)} created" in told
    assert "warning" not in told
