"""An unmodified azure-native program on the real Pulumi engine, through `vmss-emulator exec`."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime import rpc
from tests.emulator.commands import COMMAND, ENGINE, on_the_engine, resources
from tests.engine.projects import AZURE_NATIVE, Ran, python_with_known_packages

from vmss_emulator import Emulator

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("engine")]

PROGRAM = Path(__file__).parent / "program"
TIMELINE = """
scale_sets: {"*": {boot: 200ms, extension: 200ms, healthy: 200ms, events: [
    {put: 3, at: 0s, instances: [1], extension: cse, state: failed/50, message: "exit status 50"}]}}
"""
CREATED = """
set -x
pulumi() { command pulumi "$@" --non-interactive --color never; }
pulumi stack init dev
pulumi preview --json > preview-create.json
pulumi up --yes --skip-preview > create.txt 2>&1; echo $? > create.code
pulumi stack export > created.json
pulumi preview --refresh --expect-no-changes > same.txt 2>&1; echo $? > same.code
"""
STORY = f"""{CREATED}
pulumi preview --config "command=echo 2" --json > preview-update.json
pulumi up --yes --skip-preview --continue-on-error --config broken=true > broken.txt 2>&1; echo $? > broken.code
pulumi stack export > updated.json
pulumi destroy --yes --skip-preview > destroy.txt 2>&1; echo $? > destroy.code
pulumi stack export > destroyed.json
"""


def lived(folder: Path, story: str, *options: str) -> Path:
    """Let the program live a story; returns the folder with the files that tell it."""
    project = Path(shutil.copytree(PROGRAM, folder / "program"))
    (project / "timeline.yaml").write_text(TIMELINE)
    told = on_the_engine(project, story, "--timeline", "timeline.yaml", *options)
    assert told.returncode == 0, told.stderr
    return project


@pytest.fixture(scope="module")
def created(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The beginning of the stack's life."""
    return lived(tmp_path_factory.mktemp("created"), CREATED)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole life of the stack."""
    return lived(tmp_path_factory.mktemp("story"), STORY, "--requests", "requests.jsonl")


def text(story: Path, name: str) -> str:
    return (story / name).read_text()


def code(story: Path, name: str) -> int:
    return int(text(story, f"{name}.code"))


def steps(story: Path, name: str) -> dict[str, dict[str, Any]]:
    return {step["urn"].split("::")[-1]: step for step in json.loads(text(story, name))["steps"]}


def test_a_preview_promises_nothing_that_only_azure_can_tell(created: Path) -> None:
    found = steps(created, "preview-create.json")
    assert {step["op"] for step in found.values()} == {"create"}
    assert found["dependent"]["newState"]["inputs"]["tags"]["etag"] == rpc.UNKNOWN


def test_the_program_is_deployed_and_its_outputs_are_azures(created: Path) -> None:
    assert code(created, "create") == 0, text(created, "create.txt")
    web = resources(created / "created.json")["web"]
    assert web["id"].endswith("/providers/Microsoft.Compute/virtualMachineScaleSets/web")
    assert (web["outputs"]["etag"], web["outputs"]["provisioningState"]) == ('"1"', "Succeeded")
    profile = web["outputs"]["virtualMachineProfile"]
    assert [one["type"] for one in profile["extensionProfile"]["extensions"]] == [
        "CustomScript",
        "ApplicationHealthLinux",
    ]
    card = profile["networkProfile"]["networkInterfaceConfigurations"][0]
    assert card["ipConfigurations"][0]["subnet"]["id"] == resources(created / "created.json")["subnet"]["id"]


def test_what_the_program_leaves_out_is_named_and_placed(created: Path) -> None:
    found = resources(created / "created.json")
    assert found["vnet"]["outputs"]["name"].startswith("vnet")
    assert len(found["vnet"]["outputs"]["name"]) == len("vnet") + 8
    assert found["vnet"]["outputs"]["location"] == "westeurope"


def test_a_second_run_finds_what_was_deployed_and_changes_nothing(created: Path) -> None:
    assert code(created, "same") == 0, text(created, "same.txt")


@pytest.mark.rest  # the whole life of a stack, of which the tests above have the beginning
def test_a_set_that_will_change_has_an_unknown_etag_and_unique_id(story: Path) -> None:
    found = steps(story, "preview-update.json")
    assert {name for name, step in found.items() if step["op"] == "update"} == {"web", "dependent"}
    tags = found["dependent"]["newState"]["inputs"]["tags"]
    assert tags["etag"] == tags["uniqueId"] == rpc.UNKNOWN


@pytest.mark.rest  # as above
def test_an_update_reaches_azure_beside_a_failure_told_in_one_line(story: Path) -> None:
    assert code(story, "broken") != 0
    told = [line for line in text(story, "broken.txt").splitlines() if "ResourceGroupNotFound" in line]
    assert told
    assert all("error: ResourceGroupNotFound: " in line for line in told)
    assert "Traceback" not in text(story, "broken.txt")
    assert ".py" not in text(story, "broken.txt")
    assert resources(story / "updated.json")["web"]["outputs"]["etag"] == '"2"'


@pytest.mark.rest  # as above
def test_destroy_leaves_nothing(story: Path) -> None:
    assert code(story, "destroy") == 0, text(story, "destroy.txt")
    assert resources(story / "destroyed.json") == {}


@pytest.mark.rest  # as above
def test_secrets_stay_out_of_state_and_output(story: Path) -> None:
    told = "".join(path.read_text() for path in story.glob("*.*"))
    state = "".join(text(story, name) for name in ("created.json", "updated.json"))
    assert "Canary-1!" not in state
    assert "Canary-1!" not in told.replace((story / "__main__.py").read_text(), "")


SMALL = f"""
import pulumi
{AZURE_NATIVE}
group = AzureNative("resources:ResourceGroup", "rg", location="westeurope")
sku = {{"name": "Standard_B1s", "capacity": 2}}
kind = "compute:VirtualMachineScaleSet"
AzureNative(kind, "web", resourceGroupName=group.name, vmScaleSetName="web", sku=sku, virtualMachineProfile={{}})
"""


def small(folder: Path, timeline: str) -> Path:
    """A project of two resources and the set-up of a scale set's life."""
    (folder / "Pulumi.yaml").write_text("name: small\nruntime: {name: python, options: {toolchain: pip}}\n")
    (folder / "__main__.py").write_text(SMALL)
    (folder / "timeline.yaml").write_text(timeline)
    return folder


def test_ctrl_c_ends_a_deployment_that_waits(tmp_path: Path) -> None:
    project = small(tmp_path, "scale_sets: {'*': {boot: 10m}}")
    python = {"PULUMI_PYTHON_CMD": str(python_with_known_packages(project))}
    script = "pulumi stack init slow && exec pulumi up --yes --skip-preview --non-interactive"
    with subprocess.Popen(
        [*COMMAND, "exec", "--timeline", "timeline.yaml", "--", "sh", "-c", script],
        cwd=project,
        env={**os.environ, **ENGINE, **python},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "VirtualMachineScaleSet web creating" in line:
                break
        time.sleep(0.5)
        begun = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=30)
        assert process.returncode not in (0, None)
        assert time.monotonic() - begun < 20


ELSEWHERE = """
import os
import pulumi

options = None
if os.environ["OTHER_BY"] == "program":
    settings = {"metadataHost": os.environ["OTHER_HOST"], "clientSecret": "planted"}
    options = pulumi.ResourceOptions(provider=pulumi.ProviderResource("azure-native", "other", settings))
group = {"resourceGroupName": "rg", "location": "westeurope"}
pulumi.CustomResource("azure-native:resources:ResourceGroup", "group", group, options)
"""


@pytest.mark.parametrize("way", ["program", pytest.param("stack", marks=pytest.mark.rest)])
def test_another_cloud_is_told_of_and_gets_no_request(tmp_path: Path, way: str) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: elsewhere\nruntime: {name: python, options: {toolchain: pip}}\n")
    (tmp_path / "__main__.py").write_text(ELSEWHERE)
    story = "pulumi stack init dev && "
    if way == "stack":  # by the command itself: before it begins, exec would have refused
        story += "pulumi config set azure-native:metadataHost $OTHER_HOST && "
    story += "pulumi up --yes --skip-preview --non-interactive --color never"
    with Emulator() as cloud:
        host = cloud.environment["ARM_METADATA_HOSTNAME"]
        other = {"OTHER_HOST": host, "OTHER_BY": way}
        # Its authority is trusted, as that of a real cloud would be.
        trusted = {"REQUESTS_CA_BUNDLE": cloud.environment["REQUESTS_CA_BUNDLE"]}
        passed = [word for name in other for word in ("--env", name)]
        ran = on_the_engine(tmp_path, story, *passed, environment={**other, **trusted})
        assert cloud.requests == ()
    assert ran.returncode not in (0, 2), ran.stdout + ran.stderr
    told = [line for line in (ran.stdout + ran.stderr).splitlines() if "metadataHost" in line and host in line]
    assert told, ran.stdout + ran.stderr
    assert all("VMSS_EMULATOR_URL" in line for line in told)
    assert "Traceback" not in Ran(ran.returncode, ran.stdout + ran.stderr).of_resources


@pytest.mark.rest  # test_kept.py has it of other commands
def test_a_kept_state_finds_its_azure_again(tmp_path: Path) -> None:
    folder = small(tmp_path, TIMELINE)
    options = ["--timeline", "timeline.yaml", "--state", "kept"]
    first = on_the_engine(folder, "pulumi stack init dev && pulumi up --yes --skip-preview", *options)
    assert first.returncode == 0, first.stdout + first.stderr
    again = "pulumi stack select dev && pulumi up --yes --skip-preview --refresh --expect-no-changes"
    second = on_the_engine(folder, again, *options)
    assert second.returncode == 0, second.stdout + second.stderr
