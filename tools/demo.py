"""The demonstrations of `make demo` and `make demo-broken`: real pulumi commands on an offline Azure.

They run in a temporary folder with copies of the projects, so that the clone stays as it was, however they end. On
Azure the same commands do the same; only `azure.load`, by which somebody mends the machines, is the emulator's own.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tools import proof

if TYPE_CHECKING:
    from vmss_emulator import Emulator

ROOT = Path(__file__).resolve().parents[1]
TIMELINES = ROOT / "examples" / "timelines"
CONSUMER = Path("examples", "many_stacks")
QUICKSTART = "organization/web/dev"

WIDE_ENOUGH = 100
"""Columns of a terminal in which Pulumi shows the beginning of what the gate says, beside types and names."""

interrupts: list[int] = []
"""The signals that asked for the end. Ctrl-C reaches Pulumi, too, which ends by itself and gets the time for it."""


class Interrupted(Exception):
    """Somebody asked for the end."""


class Stack:
    """The stack `dev` of a project."""

    def __init__(self, project: Path, azure: Emulator, environment: Mapping[str, str]) -> None:
        """Create the stack."""
        self._project = project
        self._azure = azure
        self._environment = environment
        self("stack", "init", "dev")

    def __call__(self, *arguments: str, expect: int = 0) -> proof.Run:
        """Run a pulumi command as a person would; the demonstration ends if its exit code is not the expected kind."""
        stop_if_interrupted()
        print(f"\n$ pulumi {' '.join(arguments)}", flush=True)
        began = time.monotonic()
        log, export = self._project / "events.json", self._project / "export.json"
        log.write_text("")
        code = self._pulumi(*arguments, *(["--event-log", str(log)] if arguments[0] in ("up", "destroy") else []))
        events = log.read_text()
        if "^C received" in events:  # in its live view Pulumi reads the key itself, and nobody gets a signal
            raise Interrupted
        print(f"(exit code {code} after {time.monotonic() - began:.0f}s)", flush=True)
        if bool(code) != bool(expect):
            raise SystemExit(f"the demonstration expected {'a failure' if expect else 'success'} here")
        self._pulumi("stack", "export", "--file", str(export))
        return proof.Run(json.loads(export.read_text()), events.splitlines(), self._azure.requests, began)

    def configure(self, **values: str) -> None:
        """Set configuration values."""
        for key, value in values.items():
            self._pulumi("config", "set", key, "--", value)

    def _pulumi(self, *arguments: str) -> int:
        from vmss_emulator.running import processes

        stop_if_interrupted()
        code = processes.run(["pulumi", "--cwd", str(self._project), *arguments], self._environment)
        stop_if_interrupted()
        return code


def main(which: str) -> int:
    """Run one of the two demonstrations; the exit code."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: interrupts.append(number))
    if shutil.which("pulumi") is None:
        raise SystemExit("run me as `make demo` or `make demo-broken`: there is no pulumi on PATH")
    began = time.monotonic()
    try:
        run(which)
    except Interrupted:
        print("\nInterrupted. Nothing real was deployed; nothing is left.", flush=True)
        return 130
    print(f"\nThe demonstration took {time.monotonic() - began:.0f}s. Nothing real was deployed; nothing is left.")
    print("By hand, with an offline Azure of your own: .venv/bin/vmss-emulator exec -- bash")
    return 0


def run(which: str) -> None:
    """Make an offline Azure and copies of the projects, and deploy there."""
    from vmss_emulator import Emulator  # half a second, in which Ctrl-C is heard already
    from vmss_emulator.running import isolation

    timeline = TIMELINES / ("broken.yaml" if which == "broken" else "healthy.yaml")
    with (
        tempfile.TemporaryDirectory(prefix="vmss-demo-", ignore_cleanup_errors=True) as folder,
        Emulator(timeline) as azure,
        isolation.workspace() as place,
    ):
        copy_projects(Path(folder))
        environment = isolation.environment(inherited(), azure.environment, place)
        environment["PULUMI_DEBUG_COMMANDS"] = "true"  # which alone allows an event log
        if columns() < WIDE_ENOUGH:
            say(f"{columns()} columns are too few for Pulumi to show what the gate waits for: see it below each step.")
        quickstart = Stack(Path(folder), azure, environment)
        quickstart.configure(sshPublicKey=ssh_public_key())
        if which == "broken":
            broken(quickstart, azure)
        else:
            demo(quickstart, lambda: Stack(Path(folder, CONSUMER), azure, environment))


def demo(quickstart: Stack, second_stack: Callable[[], Stack]) -> None:
    """Deploy, held by the gate; read the outputs from a second stack; destroy both."""
    say("A scale set of three VMs; the autoscale setting waits for the gate, the gate for the VMs.")
    ran = quickstart("up", "--yes")
    show_gate(ran)
    tell(proof.held(ran))
    say("A second stack reads what the gate found, and gates the same scale set itself.")
    consumer = second_stack()
    consumer.configure(stacks=json.dumps([QUICKSTART]))
    tell(proof.read_twice(consumer("up", "--yes", "--skip-preview")))
    tell(proof.left(consumer("destroy", "--yes", "--skip-preview")))
    tell(proof.left(quickstart("destroy", "--yes", "--skip-preview")))


def broken(quickstart: Stack, azure: Emulator) -> None:
    """Deploy two releases that do not work, and see what the gate says."""
    up = ("up", "--yes", "--skip-preview")
    quickstart.configure(gateTimeout="15s", confirmFailure="8s")
    say("Release 1 works.")
    ran = quickstart(*up)
    show_gate(ran)
    tell(proof.held(ran))
    say("Release 2: the application stays unhealthy on one instance. It could recover, so the timeout (15s) decides.")
    quickstart.configure(release="2")
    ran = quickstart(*up, "--suppress-outputs", expect=1)
    show_gate(ran)
    tell(proof.held_back(ran))
    tell(proof.old_outputs(quickstart("stack", "output")))
    say("Release 3: the installation fails on an instance. It cannot recover, so the gate gives up long before its 5m.")
    quickstart.configure(release="3", gateTimeout="5m")
    ran = quickstart(*up, "--suppress-outputs", expect=1)
    show_gate(ran)
    tell(proof.held_back(ran))
    say("Somebody mends the machines. Nothing in the program changes, and yet the next `up` gates again, and passes.")
    azure.load(TIMELINES / "healthy.yaml")
    ran = quickstart(*up)
    show_gate(ran)
    tell(proof.let_go(ran))
    tell(proof.left(quickstart("destroy", "--yes", "--skip-preview")))


def copy_projects(folder: Path) -> None:
    """Copy what Pulumi reads, so that what it writes beside that is not written into the clone."""
    for file in (ROOT / "Pulumi.yaml", ROOT / "__main__.py", *(ROOT / "examples").glob("*/*.*")):
        copy = folder / file.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)  # without its mode: in the clone of somebody else it may be read-only
    (folder / ".venv").symlink_to(sys.prefix)


def inherited() -> dict[str, str]:
    """What the emulator may take from this environment: not how Pulumi runs other programs of this user."""
    found = {key: value for key, value in os.environ.items() if not key.startswith("PULUMI_")}
    return {**found, "PULUMI_PYTHON_CMD": sys.executable}


def ssh_public_key() -> str:
    """Return a public key whose private key has been thrown away."""
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def stop_if_interrupted() -> None:
    """End if somebody asked for it."""
    if interrupts:
        raise Interrupted


def say(text: str) -> None:
    """Tell what comes next."""
    print(f"\n{fit(f'=== {text}')}", flush=True)


def tell(text: str) -> None:
    """Tell what came of it."""
    print(fit(f"--> {text}"), flush=True)


def fit(text: str) -> str:
    """Break a sentence between words where the terminal ends."""
    return textwrap.fill(text, columns(), break_long_words=False, break_on_hyphens=False)


def columns() -> int:
    """The terminal's own width, whatever COLUMNS says, as Pulumi takes it; a file's has no end."""
    return os.get_terminal_size(sys.stdout.fileno()).columns if sys.stdout.isatty() else 10_000


def show_gate(ran: proof.Run) -> None:
    """Repeat what the gate's row said, for those who could not see it."""
    print("The gate said, on its row:")
    for seconds, words in ran.said:
        print(f"  {seconds:3.0f}s  {words}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "demo"))
