"""What an import costs, and what is public."""

import json
import subprocess
import sys

import pulumi_vmss_health
import vmss_instance_view

HEAVY = ("requests", "azure", "msal", "pulumi_azure_native", "rich", "starlette", "urllib3", "uvicorn")


def loaded_by(modules: str) -> set[str]:
    """The packages that a new process has imported after these modules."""
    program = f"import json, sys, {modules}; print(json.dumps(sorted(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in json.loads(ran.stdout)}


def test_importing_the_library_loads_no_http_client_no_azure_sdk_and_no_pulumi() -> None:
    assert not loaded_by("pulumi_vmss_health") & {*HEAVY, "pulumi"}


def test_the_command_line_reads_and_waits_without_pulumi() -> None:
    assert "pulumi" not in loaded_by("pulumi_vmss_health.cli.main, vmss_instance_view.connection")


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
