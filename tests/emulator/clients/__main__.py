"""Prints a table: which client did which operation on which timeline, and whether it saw what plain HTTP shows.

The environments (350 MB for az) are made once, below `.clients/`. az is put together from the packages that these
commands need: the whole of it is three times as large.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.emulator.support import ArmSession

from vmss_emulator import Emulator, az_login, library

HERE = Path(__file__).parent
HOME = Path(__file__).parents[3] / ".clients"
SDK = [["azure-mgmt-compute==39.0.0", "azure-identity==1.27.0"]]
AZ = [
    ["azure-cli-core==2.91.0"],
    ["--no-deps", "azure-cli==2.91.0"],
    [
        *("msrest", "azure-common", "azure-mgmt-imagebuilder", "azure-mgmt-monitor", "azure-mgmt-resource==24.0.0"),
        *(
            "azure-mgmt-resource-deployments",
            "azure-mgmt-resource-deploymentscripts",
            "python-dateutil",
            "semver",
            "six",
        ),
        *("azure-mgmt-resource-deploymentstacks", "azure-mgmt-resource-templatespecs", "antlr4-python3-runtime"),
        *("jsondiff", "six", "xmltodict"),
    ],
]
TIMELINES = ("healthy", "extension-fails", "os-provisioning-fails", "thousand")
ON_THE_SET = {
    "view": "vmss get-instance-view -g rg -n web",
    "show": "vmss show -g rg -n web",
    "list": "vmss list-instances -g rg -n web --expand instanceView",
    "restart": "vmss restart -g rg -n web --instance-ids 0",
}
AZ_ALONE = {
    "scale": "vmss scale -g rg -n web --new-capacity 2",
    "activity log": "monitor activity-log list --resource-group rg --offset 1d",
    "resource show": "resource show --ids {set}",
    "resource list": "resource list",
    "locations": "account list-locations",
    "provider": "provider show -n Microsoft.Compute",
    "lock": "lock create -n keep -g rg --lock-type CanNotDelete",
    "tag": "tag update --resource-id {set} --operation merge --tags a=b",
    "identity": "vmss identity assign -g rg -n web",
}


def python(name: str, steps: list[list[str]]) -> Path:
    """The Python of an environment, made if it is not there."""
    found = HOME / name / "bin" / "python"
    if not (HOME / name / "complete").exists():
        print(f"making the environment of {name} ...", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(HOME / name)], check=True)
        for packages in steps:
            subprocess.run([found, "-m", "pip", "install", "-q", *packages], check=True, stderr=subprocess.DEVNULL)
        (HOME / name / "complete").touch()
    return found


def said(words: list[str], environment: dict[str, str]) -> tuple[int, Any, float]:
    """The exit code, what was printed as JSON, and the seconds that it took."""
    begun = time.monotonic()
    told = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=120, check=False)
    try:
        found = json.loads(told.stdout or "null")
    except ValueError:
        found = told.stdout
    return told.returncode, found, time.monotonic() - begun


def plain(value: Any) -> Any:
    """JSON without times, which clients write each in its own way, and without nothing."""
    if isinstance(value, dict):
        left_out = ("timeCreated", "resourceGroup")
        kept = {key: plain(item) for key, item in value.items() if key not in left_out}
        return {key: item for key, item in kept.items() if item is not None and not key.lower().endswith("time")}
    return [plain(item) for item in value] if isinstance(value, list) else value


def flat(value: Any) -> Any:
    """A resource with its properties beside its name, as az shows it."""
    if isinstance(value, dict):
        inner = value.get("properties")
        beside = {key: flat(item) for key, item in value.items() if key != "properties" or not isinstance(inner, dict)}
        return {**flat(inner), **beside} if isinstance(inner, dict) else beside
    return [flat(item) for item in value] if isinstance(value, list) else value


def rows(timeline: str, az: Path, sdk: Path) -> Iterator[tuple[str, str, str, float]]:
    """(client, operation, what came of it, seconds) on one timeline."""
    with Emulator(library.text(timeline)) as azure, tempfile.TemporaryDirectory() as folder:
        capacity = 1000 if timeline == "thousand" else 3
        path = azure.put_scale_set("web", capacity=capacity, extensions=["app"], health=True)
        time.sleep(15)  # past the end of each of these timelines
        config = Path(folder)
        az_login.write(config, azure.url, azure.tenant_id, azure.subscription_id, azure.client_id, azure.client_secret)
        environment = {**os.environ, **azure.environment, "AZURE_CONFIG_DIR": str(config)}
        arm = ArmSession(azure)
        truth: dict[str, Callable[[], Any]] = {
            "view": lambda: arm.get(f"{path}/instanceView"),
            "show": lambda: arm.get(path),
            "list": lambda: pages(arm, f"{path}/virtualMachines"),
        }
        for operation, line in ON_THE_SET.items():
            for client, words in (
                ("az", [str(az), "-m", "azure.cli", *line.split(), "-o", "json"]),
                ("azure-mgmt-compute", [str(sdk), str(HERE / "sdk.py"), operation, "rg", "web"]),
            ):
                code, found, seconds = said(words, environment)
                want = truth[operation]() if operation in truth else None
                yield client, operation, outcome(code, found, want, flatten=client == "az"), seconds
        if timeline == "healthy":
            for operation, line in AZ_ALONE.items():
                words = [str(az), "-m", "azure.cli", *line.format(set=path).split(), "-o", "json"]
                code, _, seconds = said(words, environment)
                yield "az", operation, outcome(code, None, None, flatten=False), seconds
            missing = [str(az), "-m", "azure.cli", *["vmss", "show", "-g", "rg", "-n", "none"]]
            yield "az", "show what is not there", f"exit code {said(missing, environment)[0]} (3 on Azure)", 0.0
        arm.close()


def pages(arm: ArmSession, path: str) -> list[Any]:
    """A whole list."""
    body = arm.get(path, expand="instanceView")
    found = list(body["value"])
    while "nextLink" in body:
        body = arm.get(body["nextLink"])
        found += body["value"]
    return found


def outcome(code: int, found: Any, want: Any, *, flatten: bool) -> str:
    """What came of an operation, in a word."""
    if code != 0:
        return f"FAILED with exit code {code}"
    if want is None:
        return "done"
    same = plain(flat(found) if flatten else found) == plain(flat(want) if flatten else want)
    return "the same as over plain HTTP" if same else "DIFFERENT from plain HTTP"


def main() -> int:
    """Print the table; the exit code says whether all went well."""
    az, sdk = python("az", AZ), python("sdk", SDK)
    bad = 0
    for timeline in TIMELINES:
        for client, operation, came, seconds in rows(timeline, az, sdk):
            print(f"{timeline:22} {client:19} {operation:23} {came} ({seconds:.1f} s)", flush=True)
            bad += came.startswith(("FAILED", "DIFFERENT"))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
