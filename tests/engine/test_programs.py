"""Gates in programs of other forms: the Automation API, and consumers in other languages."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import pytest
from tests.engine.projects import TOOLCHAIN, UNHEALTHY, Project, Running
from tests.pages import TESTING, blocks, run_pytest, write_files

from vmss_emulator import Emulator

pytestmark = pytest.mark.engine

# The key that marks secrets, assets and references in Pulumi's JSON: another language would have to know it.
SECRET_OR_REFERENCE = "4dabf18193072939515e22adb298388d"
OUTPUTS = (
    "capacity", "evidence", "extensions", "healthy", "message", "orchestration_mode", "reasons", "scale_set_id",
    "state", "statuses", "virtual_machine",
)  # fmt: skip


@pytest.mark.rest  # another way to start an update; tests/gate/test_mocks.py runs the other examples of the page
def test_inline_and_local_programs_of_the_automation_api_are_held_and_let_through_as_documented(
    project: Project, tmp_path: Path
) -> None:
    folder = tmp_path / "examples"
    folder.mkdir()
    assert {"test_release.py", "test_project.py"} < set(write_files(TESTING, folder))
    # In one process with unit tests, which use another kind of engine.
    path = os.pathsep.join([str(TOOLCHAIN), os.environ["PATH"]])
    assert "8 passed" in run_pytest(folder, path=path)


GATED = """
gate = vmss.ScaleSetHealthGate("web", scale_set={id!r}, on_failure="warn", policy=vmss.GatePolicy(timeout="8s"))
for name in {outputs!r}:
    pulumi.export(name, getattr(gate, name))
pulumi.export("virtualMachine", gate.virtual_machine)
"""


@pytest.mark.rest  # test_gate.py has outputs in Azure's JSON
def test_what_programs_in_other_languages_read_is_plain_json_with_azures_own_names(
    project: Project, azure: Emulator
) -> None:
    scale_set = azure.put_scale_set("web", capacity=3, extensions=["cse"], health=True)
    azure.load(UNHEALTHY)
    project.program(GATED.format(id=scale_set, outputs=OUTPUTS))
    assert project.up().code == 0

    outputs = json.loads(project.run("stack", "output", "--json").output)
    state = project.state()
    assert outputs == state["Stack/gated-dev"]["outputs"]
    assert SECRET_OR_REFERENCE not in json.dumps([outputs, state["HealthGate/web"]])
    assert (outputs["healthy"], outputs["state"], outputs["capacity"]) == (False, "warned", 3)
    assert set(outputs["statuses"][0]) <= {"code", "level", "displayStatus", "message", "time"}
    succeeded = [{"code": "ProvisioningState/succeeded", "count": 3}]
    assert outputs["virtual_machine"] == {"statusesSummary": succeeded}
    assert {"name": "cse", "statusesSummary": succeeded} in outputs["extensions"]
    assert outputs["reasons"][0]["code"] == "ApplicationNotHealthy"
    assert outputs["evidence"]["looks"] > 1


@pytest.mark.rest  # the test above has what is read
def test_a_yaml_program_reads_them_as_documented(project: Project, azure: Emulator) -> None:
    if shutil.which("pulumi-language-yaml", path=project.environment["PATH"]) is None:
        pytest.skip("there is no language host for YAML: the vendor's CLI has one, and so has that of `make setup`")
    project.program(GATED.format(id=azure.put_scale_set("web", capacity=3), outputs=()))
    assert project.up().code == 0

    example = next(text for language, text in blocks(TESTING) if language == "yaml" and "StackReference" in text)
    consumer = project.folder.parent / "consumer"
    consumer.mkdir()
    text = example.replace("organization/release/dev", "organization/gated/dev")
    (consumer / "Pulumi.yaml").write_text(f"name: consumer\nruntime: yaml\n{text}")
    for command in (["stack", "init", "dev"], ["up", "--yes", "--skip-preview", "--non-interactive"]):
        ran = Running(["pulumi", *command], consumer, project.environment).wait()
        assert ran.code == 0, ran.output
    assert re.search(r"vms *: 3", ran.output), ran.output
