"""Pulumi projects on the real engine: a temporary folder, a file backend, and an offline Azure."""

from __future__ import annotations

import copy
import functools
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from tests.waiting import until

from vmss_emulator import Emulator
from vmss_emulator.running import isolation

TOOLCHAIN = Path(__file__).parents[2] / ".toolchain" / "bin"

_PROJECT = "name: gated\nruntime: {name: python, options: {toolchain: pip}}\n"
_PYTHON = """\
#!/bin/sh
case "$*" in
    "-m pip list -v --format json") exec cat {packages} ;;
    *) exec {python} "$@" ;;
esac
"""
_HEAD = """\
import pulumi
import pulumi_vmss_health as vmss
"""

# What a gate asks of azure-native's resources, without the SDK: to import that takes longer than all else together.
AZURE_NATIVE = """
class AzureNative(pulumi.CustomResource):
    unique_id = property(lambda self: self.uniqueId)

    def __init__(self, kind, name, opts=None, **inputs):
        outputs = dict.fromkeys(["name", "etag", "uniqueId"])
        super().__init__(f"azure-native:{kind}", name, {**inputs, **outputs}, opts)
"""

# Timelines: machines that are there at once, with one that never gets healthy, and without.
AT_ONCE: dict[str, Any] = {"boot": "0s", "extension": "0s", "healthy": "0s"}
HEALTHY: dict[str, Any] = {"scale_sets": {"*": AT_ONCE}}
UNHEALTHY: dict[str, Any] = {"scale_sets": {"*": {**AT_ONCE, "events": [{"instances": [1], "health": "unhealthy"}]}}}


@dataclass(frozen=True)
class Ran:
    """A pulumi command that ended."""

    code: int
    output: str

    @property
    def told(self) -> str:
        """The output with its folded lines made whole."""
        return self.output.replace("\n" + " " * 10, " ")

    @property
    def of_resources(self) -> str:
        """What was said of anything but the stack itself, in rows and in diagnostics.

        The stack's are the program's: how it ended is shown there. On Ctrl-C, newer language hosts than the one that
        `make setup` builds end it by KeyboardInterrupt; and its next request fails, when Pulumi 3.274 has stopped.
        """
        shown = re.sub(r"^  pulumi:pulumi:Stack \(.*\):\n(?:(?:    .*)?\n)*", "", self.output, flags=re.MULTILINE)
        return "\n".join(line for line in shown.splitlines() if "pulumi:pulumi:Stack " not in line)


class Project:
    """One project with one stack, `dev`."""

    _new_stack: ClassVar[dict[str, bytes]] = {}
    """What `pulumi stack init` wrote, by path: made once in a process, then copied, which takes no time."""

    def __init__(self, folder: Path, azure: Emulator, inherited: Mapping[str, str] = os.environ) -> None:
        self.name = "gated"
        self.folder = folder / "project"
        self.azure = azure
        self._started: list[Running] = []
        for each in ("project", "home", "state"):
            (folder / each).mkdir()
        path = {
            "PATH": os.pathsep.join([str(TOOLCHAIN), inherited["PATH"]]),
            "PULUMI_PYTHON_CMD": str(python_with_known_packages(folder)),
        }
        self.state_folder = folder / "state"
        place = isolation.Workspace(folder / "home", f"file://{self.state_folder}")
        self.environment = isolation.environment({**inherited, **path}, azure.environment, place)
        self.environment["PULUMI_STACK"] = "dev"
        # A command is over before its garbage matters: to collect less of it saves a tenth of its processor time.
        self.environment["GOGC"] = "400"
        (self.folder / "Pulumi.yaml").write_text(_PROJECT)
        if not self._new_stack:
            assert self.run("stack", "init", "dev").code == 0
            written = [self.folder / "Pulumi.dev.yaml", *self.state_folder.rglob("*")]
            self._new_stack.update(
                {str(each.relative_to(folder)): each.read_bytes() for each in written if each.is_file()}
            )
        for name, content in self._new_stack.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)

    def program(self, text: str) -> None:
        """What the next command runs; imports pulumi and vmss by itself."""
        (self.folder / "__main__.py").write_text(_HEAD + textwrap.dedent(text))

    def run(self, *arguments: str, timeout: float = 120) -> Ran:
        """Run a pulumi command to its end."""
        running = self.start(*arguments)
        return running.wait(timeout)

    def up(self, *arguments: str) -> Ran:
        """Run `pulumi up` without a preview."""
        return self.start_up(*arguments).wait()

    def start(self, *arguments: str) -> Running:
        """Start a pulumi command."""
        self._started.append(Running(["pulumi", *arguments], self.folder, self.environment))
        return self._started[-1]

    def close(self) -> None:
        """End what a test that failed has left running."""
        for running in self._started:
            running.kill()

    def start_up(self, *arguments: str) -> Running:
        """Start `pulumi up` without a preview."""
        return self.start("up", "--yes", "--skip-preview", "--non-interactive", *arguments)

    def deployment(self) -> dict[str, Any]:
        """The stack's state, whole, from the backend: `pulumi stack export` prints the same, in half a second."""
        (file,) = (self.state_folder / ".pulumi" / "stacks").glob(f"{self.name}/dev.json")
        deployment: dict[str, Any] = json.loads(file.read_bytes())["checkpoint"]["latest"]
        return deployment

    def state(self) -> dict[str, Any]:
        """The resources in the state, by type and name: "HealthGate/web"."""
        resources = self.deployment().get("resources", [])
        return {f"{_kind(each['type'])}/{each['urn'].split('::')[-1]}": each for each in resources}

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs, which `pulumi stack output` prints, too; of a secret one, what hides it."""
        outputs: dict[str, Any] = self.state()[f"Stack/{self.name}-dev"].get("outputs", {})
        return outputs

    def refresh(self, *arguments: str) -> Ran:
        """Run `pulumi refresh` without a preview."""
        return self.run("refresh", "--yes", "--skip-preview", "--non-interactive", *arguments)

    def neighbour(self, name: str) -> Project:
        """Another project on the same backend and the same Azure, also with a stack `dev`."""
        other = copy.copy(self)
        other.name = name
        other.folder = self.folder.parent / name
        other.folder.mkdir()
        (other.folder / "Pulumi.yaml").write_text(_PROJECT.replace("gated", name))
        assert other.run("stack", "init", "dev").code == 0
        return other


class Running:
    """A pulumi command that runs; its lines are kept with the time at which they came."""

    def __init__(self, command: list[str], folder: Path, environment: Mapping[str, str]) -> None:
        self.lines: list[tuple[float, str]] = []
        self._process = subprocess.Popen(
            command, cwd=folder, env=environment, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        self.pid = self._process.pid
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def until(self, text: str, timeout: float = 60) -> float:
        """When a line with this text came; waits for it, at most until the command ends."""
        end = time.monotonic() + timeout
        still = True
        while still and time.monotonic() < end:
            still = self._reader.is_alive()
            found = next((moment for moment, line in tuple(self.lines) if text in line), None)
            if found is not None:
                return found
            threading.Event().wait(0.01)
        raise AssertionError(f"no line with {text!r} in {timeout}s:\n{self.output}")

    def interrupt(self, number: signal.Signals = signal.SIGINT) -> float:
        """Send Ctrl-C's signal, or another one, to the CLI alone; returns when."""
        os.kill(self.pid, number)
        return time.monotonic()

    def kill(self) -> None:
        """End the CLI as a crash would, if it runs still; what it started is not told."""
        if self._process.poll() is None:
            self._process.kill()
            self.wait()

    def wait(self, timeout: float = 120) -> Ran:
        """Wait for the end, which must come in time."""
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()
            raise AssertionError(f"still running after {timeout}s:\n{self.output}") from None
        finally:
            self._reader.join(10)
            assert self._process.stdout is not None
            self._process.stdout.close()
        return Ran(code, self.output)

    @property
    def output(self) -> str:
        return "".join(line for _, line in self.lines)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append((time.monotonic(), line))


@functools.cache
def _packages() -> str:
    """What pip tells Pulumi's language host, which asks before every command for the plugins that packages need."""
    return subprocess.check_output([sys.executable, "-m", "pip", "list", "-v", "--format", "json"], text=True)


def python_with_known_packages(folder: Path) -> Path:
    """This Python, but for its list of packages: pip takes a second to make it, a third of a command's time."""
    packages, python = folder / "packages.json", folder / "python"
    packages.write_text(_packages())
    python.write_text(_PYTHON.format(packages=shlex.quote(str(packages)), python=shlex.quote(sys.executable)))
    python.chmod(0o755)
    return python


def _kind(token: str) -> str:
    return token.split(":")[-1]


def looked_at(azure: Emulator) -> dict[str, list[float]]:
    """When each Uniform scale set's view, or that of one of its instances, was read."""
    looks: dict[str, list[float]] = {}
    for request in azure.requests:
        _, _, below = request.path.partition("/virtualMachineScaleSets/")
        if below.endswith("/instanceView"):
            looks.setdefault(below.split("/")[0], []).append(request.started)
    return looks


def wait_for_a_look(azure: Emulator, sets: int = 1) -> None:
    """Wait until gates have asked for the instance views of so many scale sets."""
    until(lambda: len(looked_at(azure)), lambda looking: looking >= sets)


def looks(azure: Emulator) -> int:
    """How often an instance view was asked for so far."""
    return sum(request.path.endswith("/instanceView") for request in azure.requests)
