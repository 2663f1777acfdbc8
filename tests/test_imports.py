"""What an import costs, and what is public."""

import json
import subprocess
import sys

import pulumi_vmss_health
import vmss_instance_view

HEAVY = ("requests", "azure", "msal", "pulumi_azure_native", "rich", "starlette", "urllib3", "uvicorn")


def test_importing_the_library_loads_no_http_client_and_no_azure_sdk() -> None:
    program = "import json, sys, pulumi_vmss_health; print(json.dumps(sorted(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in json.loads(ran.stdout)}
    assert not loaded & set(HEAVY)


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
