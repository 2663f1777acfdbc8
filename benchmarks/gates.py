"""What gates cost while they wait: threads, memory, time of a processor, requests."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tests.engine.processes import descendants, provider_below
from tests.engine.projects import TOOLCHAIN, Project
from tests.waiting import until

from benchmarks.suite import peers
from benchmarks.suite.peers import AZ, Ground
from benchmarks.suite.processes import inherited
from benchmarks.suite.works import Effort, LeftOut, Measure, Measured, NotDone, Table, Whose
from vmss_emulator import Emulator

TITLE = "Gates that wait"
MEASURES = (
    Measure("memory", "most memory", "MB"),
    Measure("processor", "CPU in a minute", "s"),
    Measure("threads", "threads"),
    Measure("requests", "requests of a set in a minute"),
    Measure("refused", "429s"),
)
LOOP = """until az vmss get-instance-view -g rg -n {name} --instance-id '*' -o tsv --query \
"length([?vmHealth.status.code=='HealthState/healthy'])" | grep -qx 2; do sleep 10; done"""
ILL = {"instances": [1], "health": "unhealthy"}
NEVER: dict[str, Any] = {"boot": "0s", "extension": "0s", "healthy": "0s", "events": [ILL]}
ABOUT = (
    "Sets of two machines, one of which never gets healthy, on the emulator with documented limits and no headers, on "
    "the same machine. Ours is the provider's process of the real engine, with so many gates, or one gate of a fleet "
    "of so many sets. The peer is a shell loop for each set, which asks `az vmss get-instance-view` every 10 s: its "
    "figures are sums over all its processes, in which shared pages are counted for each process. Each row is one run, "
    "over 30 s that begin when every set was asked about twice; memory is the largest of readings four times a second. "
    "All rows of ours run at the same time, each with an offline Azure of its own, then both of az: the time is short. "
    "Nothing is computed for numbers that were not run."
)


@dataclass(frozen=True)
class Reading:
    """What processes have taken so far."""

    processor: float
    memory: float
    threads: int


def reading(pids: Sequence[int]) -> Reading:
    """Of these processes, and the time of those below them that have ended."""
    ticks = pages = threads = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile; its time is its parent's now
        ticks += sum(map(int, fields[11:15]))
        threads += int(fields[17])
        pages += int(fields[21])
    return Reading(ticks / os.sysconf("SC_CLK_TCK"), pages * os.sysconf("SC_PAGE_SIZE") / 2**20, threads)


def window(azure: Emulator, sets: int, pids: Callable[[], Sequence[int]], seconds: float) -> dict[str, float]:
    """Watch processes for so long. Raises NotDone if a set was not asked for meanwhile."""
    asked_before, begin = len(azure.requests), time.monotonic()
    first = last = reading(pids())
    most, threads = 0.0, 0
    while (now := time.monotonic()) < begin + seconds:
        last = reading(pids())
        most, threads = max(most, last.memory), max(threads, last.threads)
        time.sleep(0.25)
    asked = [each for each in azure.requests[asked_before:] if "/virtualMachineScaleSets/" in each.path]
    minutes = (now - begin) / 60
    if len({each.path.partition("/virtualMachineScaleSets/")[2].partition("/")[0] for each in asked}) < min(sets, 20):
        raise NotDone(f"of {sets} sets, too few were looked at in {seconds:.0f} s: {len(asked)} requests")
    return {
        "memory": most,
        "processor": (last.processor - first.processor) / minutes,
        "threads": threads,
        "requests": len(asked) / sets / minutes,
        "refused": sum(each.status == 429 for each in asked),
    }


GATES = """
for number, id in enumerate({ids!r}):
    vmss.ScaleSetHealthGate(f"web{{number}}", scale_set=id, policy=vmss.GatePolicy(timeout="30m"))
"""
FLEET = """
sets = {{f"web{{number}}": id for number, id in enumerate({ids!r})}}
vmss.FleetHealthGate("fleet", scale_sets=sets, policy=vmss.GatePolicy(timeout="30m"))
"""


_NEW_PROJECT = threading.Lock()  # the first one makes what the others copy


def engine(program: str, sets: int, times: int, seconds: float) -> dict[str, float]:
    """Gates on the real engine."""
    with peers.ground({"scale_sets": {"*": NEVER}}, quota=True) as ground:
        ids = [ground.azure.put_scale_set(f"web{number}", capacity=2, health=True) for number in range(sets)]
        with _NEW_PROJECT:
            project = Project(Path(tempfile.mkdtemp(dir=ground.folder)), ground.azure, inherited())
        project.program(program.format(ids=ids))
        running = project.start_up("--parallel", "1000")
        try:
            _asked_about(ground.azure, sets, times)
            provider = provider_below(running.pid)
            if provider is None:
                raise NotDone(f"there is no provider's process: {running.output}")
            return window(ground.azure, sets, lambda: [provider], seconds)
        except AssertionError as error:
            raise NotDone(f"{sets} sets: {str(error)[-2000:]}: {running.output[-2000:]}") from None
        finally:  # not by Ctrl-C: to store the ends of 500 gates takes Pulumi longer than all else here
            started = descendants(running.pid)
            running.kill()
            for pid in started:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def loops(sets: int, times: int, seconds: float) -> dict[str, float]:
    """A shell loop around az for each set."""
    with peers.ground({"scale_sets": {"*": NEVER}}, quota=True) as ground:
        names = [f"web{number}" for number in range(sets)]
        for name in names:
            ground.azure.put_scale_set(name, capacity=2, health=True)
        started = [_loop(ground, name) for name in names]
        try:
            _asked_about(ground.azure, sets, times)
            return window(ground.azure, sets, lambda: [pid for each in started for pid in _with_below(each)], seconds)
        finally:
            for each in started:
                os.killpg(each.pid, signal.SIGKILL)
                each.wait()


def _loop(ground: Ground, name: str) -> subprocess.Popen[bytes]:
    words = ["sh", "-c", LOOP.format(name=name)]
    return subprocess.Popen(words, env=ground.with_az, start_new_session=True)  # noqa: S603 - ourselves


def _with_below(process: subprocess.Popen[bytes]) -> list[int]:
    return [process.pid, *descendants(process.pid)]


def _asked_about(azure: Emulator, sets: int, times: int) -> None:
    """Wait until each set was asked for so many times."""

    def enough() -> int:
        asked = Counter(
            each.path.partition("/virtualMachineScaleSets/")[2].partition("/")[0] for each in azure.requests
        )
        return sum(number >= times for name, number in asked.items() if name)

    until(enough, lambda number: number >= sets, seconds=300)


def tables(effort: Effort) -> Iterator[Table]:
    """Measure."""
    if not Path("/proc/self/stat").exists() or (shutil.which("pulumi") is None and not (TOOLCHAIN / "pulumi").exists()):
        why = "there is no /proc, or no Pulumi CLI (`make setup` gets one)"
        yield Table("gates", TITLE, ABOUT, MEASURES, [], [LeftOut(TITLE, why)])
        return
    numbers, times, seconds = effort((1, 20, 100, 500), (20,)), effort(2, 1), effort(30.0, 6.0)
    ours = [(f"{number} gate{'s' if number > 1 else ''}", GATES, number) for number in numbers]
    ours.append((f"one fleet of {numbers[-1]}", FLEET, numbers[-1]))
    results = _side_by_side(
        [(name, "ours", partial(engine, program, number, times, seconds)) for name, program, number in ours]
    )
    left_out = peers.left_out("a process for each gate (az)", AZ)
    if not left_out:
        for_az = [(number, f"{number} process{'es' if number > 1 else ''} (az)") for number in effort((1, 10), (1,))]
        longer = effort(seconds, 13.0)  # than the pause of a loop
        results += _side_by_side([(name, "peer", partial(loops, number, times, longer)) for number, name in for_az])
    yield Table("gates", TITLE, ABOUT, MEASURES, results, left_out)


def _side_by_side(works: Sequence[tuple[str, Whose, Callable[[], dict[str, float]]]]) -> list[Measured]:
    """Do all works at once."""
    with ThreadPoolExecutor(len(works)) as pool:
        runs = [(Measured(name, whose), pool.submit(run)) for name, whose, run in works]
        for measured, run in runs:
            measured.add(run.result())
    return [measured for measured, _ in runs]
