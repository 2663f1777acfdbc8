"""What an import costs, and what is public."""

import json
import os
import subprocess
import sys

import pytest

import pulumi_vmss_health
import vmss_instance_view
from vmss_emulator import Emulator

HEAVY = ("requests", "azure", "msal", "pulumi_azure_native", "rich", "starlette", "urllib3", "uvicorn")
HEALTH = "pulumi_vmss_health"
OF_OTHERS = (
    *(f"{HEALTH}.{room}" for room in ("capturing.take", "capturing.folder", "evidence", "plugin", "reporting")),
    *(f"{HEALTH}.cli.{name}" for name in ("capture", "console.completion", "explain", "replay", "report", "wait")),
)
OF_VIEW = (f"{HEALTH}.cli.view", f"{HEALTH}.capturing")


def loaded_by(modules: str) -> set[str]:
    """The packages that a new process has imported after these modules."""
    program = f"import json, sys, {modules}; print(json.dumps(sorted(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in json.loads(ran.stdout)}


def loaded_by_command(*arguments: str, **variables: str) -> set[str]:
    """The modules that `vmss-health` has imported when it ends well."""
    program = (
        "import json, sys\n"
        "from pulumi_vmss_health.cli.main import main\n"
        "try: code = main(sys.argv[1:])\n"
        "except SystemExit as ended: code = ended.code\n"
        "print(json.dumps(sorted(sys.modules)))\n"
        "sys.exit(code)"
    )
    words = [sys.executable, "-c", program, *arguments]
    ran = subprocess.run(words, env={**os.environ, **variables}, capture_output=True, text=True, check=True, timeout=60)
    return set(json.loads(ran.stdout.splitlines()[-1]))


def test_importing_the_library_loads_no_http_client_no_azure_sdk_and_no_pulumi() -> None:
    assert not loaded_by("pulumi_vmss_health") & {*HEAVY, "pulumi"}


def test_the_command_line_reads_and_waits_without_pulumi() -> None:
    loaded = loaded_by("pulumi_vmss_health.cli.wait, pulumi_vmss_health.cli.view, vmss_instance_view.connection")
    assert "pulumi" not in loaded


def test_the_help_of_the_command_loads_no_command_and_no_http_client() -> None:
    loaded = loaded_by_command("--help")
    assert not {name.split(".")[0] for name in loaded} & {*HEAVY, "asyncio", "pulumi", "ssl"}
    assert not {name for name in loaded if name.startswith((*OF_OTHERS, *OF_VIEW))}


def test_view_loads_nothing_of_what_other_commands_do() -> None:
    with Emulator("scale_sets: {web: {}}") as azure:
        loaded = loaded_by_command("view", azure.put_scale_set("web"), **azure.environment)
    assert "msal" in loaded  # it did read
    assert not {name.split(".")[0] for name in loaded} & {"asyncio", "pulumi", "rich", "shtab"}
    assert not {name for name in loaded if name.startswith((*OF_OTHERS, f"{HEALTH}.judging"))}


@pytest.mark.parametrize("proof", ["a secret", "a federated token"])
def test_an_application_signs_in_without_azure_identity_which_takes_longer_to_load_than_all_else(proof: str) -> None:
    with Emulator("scale_sets: {web: {}}") as azure:
        signed_in = azure.environment if proof == "a secret" else azure.oidc_environment
        loaded = loaded_by_command("view", azure.put_scale_set("web"), **signed_in)
    assert "msal" in loaded
    assert not {name.split(".")[0] for name in loaded} & {"azure", "cryptography", "jwt"}


def test_a_provider_that_finds_nothing_to_do_loads_no_http_client() -> None:
    program = (
        "from pulumi.dynamic import Config, ConfigureRequest\n"
        "from pulumi_vmss_health.fleet_gate import FleetGateProvider\n"
        "from pulumi_vmss_health.gate import HealthGateProvider\n"
        "from vmss_instance_view.resource import InstanceViewProvider\n"
        "import json, sys\n"
        "for provider in (HealthGateProvider(), FleetGateProvider(), InstanceViewProvider()):\n"
        "    provider.configure(ConfigureRequest(Config({}, 'project')))\n"
        "    provider.check({}, {})\n"
        "    provider.diff('id', {}, {})\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    loaded = json.loads(ran.stdout)
    assert "pulumi_vmss_health.gate" in loaded
    assert not {name.split(".")[0] for name in loaded} & {"azure", "msal", "requests", "urllib3"}


def test_every_public_name_is_there_and_the_readers_are_among_them() -> None:
    for package in (pulumi_vmss_health, vmss_instance_view):
        assert all(hasattr(package, name) for name in package.__all__)
        assert len(set(package.__all__)) == len(package.__all__)
    assert set(vmss_instance_view.__all__) <= set(pulumi_vmss_health.__all__)


def test_what_is_promised_is_public() -> None:
    promised = {
        "GatePolicy", "InstanceView", "InstanceViewError", "Reason", "ScaleSetHealthGate", "ScaleSetId",
        "ScaleSetInstanceView", "Snapshot", "State", "Verdict", "evaluate", "get_instance_view",
    }  # fmt: skip
    assert promised <= set(pulumi_vmss_health.__all__)
