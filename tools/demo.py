"""The demonstrations of `make demo` and `make demo-broken`; they run below `vmss-emulator exec`, on an offline Azure.

Nothing here is special to the emulator but `heal`: the same commands deploy to Azure.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CONSUMER = ROOT / "examples" / "stack_reference"
HEALTHY = ROOT / "examples" / "timelines" / "healthy.yaml"
QUICKSTART = "organization/vmss-health-quickstart/dev"


class Stack:
    """One project's stack `dev`, its configuration in a temporary folder: the clone stays as it was."""

    def __init__(self, project: Path, folder: Path) -> None:
        """Create the stack."""
        self._project = project
        self._config = folder / f"{project.name}.yaml"
        self("stack", "init", "dev")

    def __call__(self, *arguments: str, expect: int = 0) -> None:
        """Run a pulumi command as a person would; the demonstration ends if its exit code is not the expected kind."""
        command = ["pulumi", *arguments, *(["--config-file", str(self._config)] if arguments[0] != "stack" else [])]
        print(f"\n$ pulumi {' '.join(arguments)}", flush=True)
        began = time.monotonic()
        code = subprocess.run(command, cwd=self._project, check=False).returncode
        print(f"(exit code {code} after {time.monotonic() - began:.0f}s)", flush=True)
        if bool(code) != bool(expect):
            raise SystemExit(f"the demonstration expected {'a failure' if expect else 'success'} here")

    def configure(self, **values: str) -> None:
        """Set configuration values."""
        for key, value in values.items():
            subprocess.run(
                ["pulumi", "config", "set", key, "--config-file", str(self._config), "--", value],
                cwd=self._project,
                check=True,
            )


def main(which: str) -> None:
    """Run one of the two demonstrations."""
    if "VMSS_EMULATOR_URL" not in os.environ:
        raise SystemExit("run me as `make demo` or `make demo-broken`: I deploy to the emulator only")
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        quickstart = Stack(ROOT, Path(folder))
        quickstart.configure(sshPublicKey=ssh_public_key())
        (broken if which == "broken" else demo)(quickstart, Path(folder))
    print(f"\nThe demonstration took {time.monotonic() - began:.0f}s.")


def demo(quickstart: Stack, folder: Path) -> None:
    """Deploy, held by the gate; read the outputs from a second stack; destroy both."""
    say("A scale set of three VMs; the autoscale setting waits for the gate, the gate for the VMs.")
    quickstart("up", "--yes")
    say("A second stack reads what the gate found, and looks for itself.")
    consumer = Stack(CONSUMER, folder)
    consumer.configure(quickstart=QUICKSTART)
    consumer("up", "--yes", "--skip-preview")
    consumer("destroy", "--yes", "--skip-preview")
    quickstart("destroy", "--yes", "--skip-preview")


def broken(quickstart: Stack, _folder: Path) -> None:
    """Deploy two releases that do not work, and see what the gate says."""
    quickstart.configure(gateTimeout="15s", confirmFailure="8s")
    say("Release 1 works.")
    quickstart("up", "--yes", "--skip-preview")
    say("Release 2: the application stays unhealthy on one instance. It could recover, so the timeout (15s) decides.")
    quickstart.configure(release="2")
    quickstart("up", "--yes", "--skip-preview", expect=1)
    say("Release 3: the installation fails on an instance. It cannot recover, so the gate gives up long before its 5m.")
    quickstart.configure(release="3", gateTimeout="5m")
    quickstart("up", "--yes", "--skip-preview", expect=1)
    say("Somebody mends the machines. Nothing in the program changes, and yet the next `up` gates again, and passes.")
    heal()
    quickstart("up", "--yes", "--skip-preview")
    quickstart("destroy", "--yes", "--skip-preview")


def heal() -> None:
    """Give the emulator another timeline: from now on everything goes well."""
    import requests

    url = f"{os.environ['VMSS_EMULATOR_URL']}/emulator/timeline"
    allowed = {"Authorization": f"Bearer {os.environ['VMSS_EMULATOR_TOKEN']}"}
    requests.put(url, data=HEALTHY.read_bytes(), headers=allowed, timeout=10).raise_for_status()


def ssh_public_key() -> str:
    """Return a public key whose private key has been thrown away."""
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def say(text: str) -> None:
    """Tell what comes next."""
    print(f"\n=== {text}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "demo")
