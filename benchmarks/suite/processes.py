"""A process, measured from outside: seconds on the wall, seconds of a processor, the most memory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.suite.works import NotDone, Whose, Work

# A process of its own starts what is measured: the kernel counts the memory of who forks as that of the child. SIGINT
# does to it what it always does: what a shell runs in the background ignores it, and by it Pulumi ends its plugins,
# for each of which it would wait five seconds.
MEASURE = """
import os, signal, sys, time
until, out = sys.argv[1], os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
read, write = os.pipe()
place = write if until == "line" else out
began = time.perf_counter()
actions, usual = [(os.POSIX_SPAWN_DUP2, place, 1)], [signal.SIGINT]
child = os.posix_spawn(sys.argv[3], sys.argv[3:], os.environ, file_actions=actions, setsigdef=usual)
os.close(write)
if until == "line":
    line = b""
    while not line.endswith(b"\\n") and (more := os.read(read, 1)):
        line += more
    took = time.perf_counter() - began
    os.kill(child, signal.SIGKILL)
    os.write(out, line)
_, status, usage = os.wait4(child, 0)
if until != "line":
    took = time.perf_counter() - began
print(took, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, os.waitstatus_to_exitcode(status))
"""
WITHIN = 300.0  # seconds after which a process is not waited for


@dataclass(frozen=True)
class Command:
    """A command.

    Attributes:
        words: the program's path, and its arguments.
        environment: all its variables.
        is_right: whether what it printed is what it was asked for.
        folder: in which it runs; None: wherever the suite does.
        until_line: it serves until it is ended: it is measured until it has printed a line.
    """

    words: Sequence[str]
    environment: Mapping[str, str]
    is_right: Callable[[str], bool]
    folder: Path | None = None
    until_line: bool = False

    def cost(self) -> dict[str, float]:
        """Run it. Raises NotDone, with what it printed."""
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder, "out")
            until = "line" if self.until_line else "end"
            words = [sys.executable, "-I", "-S", "-c", MEASURE, until, str(out), *self.words]
            _, said, errors = ended(words, self.environment, WITHIN, self.folder)
            printed = out.read_text(errors="replace") if out.exists() else ""
        wall, processor, memory, code = said.split() if said else ("0", "0", "0", "none")
        if code != ("-9" if self.until_line else "0") or not self.is_right(printed):
            raise NotDone(f"{' '.join(self.words)}: exit code {code}: {printed[-2000:]}{errors[-2000:]}")
        unit = 2**20 if sys.platform == "darwin" else 2**10
        return {"wall": float(wall), "processor": float(processor), "memory": int(memory) / unit}


def ended(
    words: Sequence[str], environment: Mapping[str, str], within: float, folder: Path | None = None
) -> tuple[int, str, str]:
    """Run a command to its end: its exit code, what it printed, its errors. Raises NotDone if it takes too long."""
    with subprocess.Popen(  # noqa: S603 - ourselves
        words,
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            printed, errors = process.communicate(timeout=within)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            printed, errors = process.communicate()
            late = f"still running after {within:.0f} s: {printed[-2000:]}{errors[-2000:]}"
            raise NotDone(f"{' '.join(words)}: {late}") from None
    return process.returncode, printed, errors


def work(name: str, command: Command, whose: Whose = "peer", about: str = "") -> Work:
    """A work that is a process."""
    return Work(name, command.cost, whose, about)


def inherited() -> dict[str, str]:
    """This process's variables without those that lead to an Azure, and without what would slow Python down."""
    left_out = ("ARM_", "AZURE_", "VMSS_EMULATOR_", "PULUMI_")
    found = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    found.pop("PYTHONDONTWRITEBYTECODE", None)
    return found
