"""How late a wait notices that a set is healthy, and what it asks of Azure until then, beside the ways of others."""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from tests.clocks import Simulation
from tests.emulator.clients.table import printed
from tests.metered import Metered, ScaleSet, Show, SleepingClock, timeline, wait
from tests.sets import Vm, snapshot

from benchmarks.suite import peers
from benchmarks.suite.peers import AZ, SDK, Ground
from benchmarks.suite.processes import ended
from benchmarks.suite.works import Effort, Measure, Measured, NotDone, Table, Whose
from pulumi_vmss_health import GatePolicy, ScaleSetId, Snapshot
from pulumi_vmss_health.waiting.ending import Ending
from vmss_instance_view.azure.cloud import PUBLIC
from vmss_instance_view.clock import Deadline
from vmss_instance_view.connection import Azure

TITLE = "From healthy to noticed"
SEED = 20261123
MACHINES = 3
LATE = Measure("late", "noticed after", "s")
MEASURES = (LATE, Measure("requests", "requests"), Measure("refused", "429s"))
ENOUGH = GatePolicy(hold="0s", timeout="2h")
OURS, FLEXIBLE = "this gate, without `hold`", "the same of a Flexible set"
HELD = "this gate, `hold` as by default (10 s)"
AZ_WAIT = "`az vmss wait --custom` (30 s)"
SHELL = "a shell loop, `az vmss get-instance-view` (10 s)"
SAMPLES = "azure-mgmt-compute, its poller's pace (30 s)"
OF_MODEL = "It watches the set's model, which shows neither machines nor health: noticed is the end of the operation."
VIRTUAL = (
    "In virtual time, on an Azure in memory that counts every documented bucket and takes 0.2 s for each answer; no "
    f"header tells what is left. {MACHINES} machines boot, get their extension and get healthy, each at random moments "
    "of its own; the last one is healthy within six minutes. Ours is everything that the product has between a "
    "gate and HTTPS. The others are their published schedules, and cost no time to start. All of them read the "
    "expanded list, which shows health, but `az vmss wait`. Late is the time from that moment to the return; nothing "
    "is taken off it. `az vmss wait` asks for no `hold`, so ours without it is compared; with it ours waits 10 s more."
)
REAL = (
    "In real time, on the emulator with documented limits and no headers. Each wait has a set of its own, with the "
    "moments of its timeline, from 5 to 35 s after the start; its applications get healthy in the moment in which the "
    "extension has succeeded, so that what `az vmss wait` can see and what all others see become true at once. A "
    "timeline begins every 4 s, and all waits of it begin together, so about ten timelines run side by side on one "
    "machine. Each is a process of its own, whose start and end count."
)


@dataclass(frozen=True)
class Life:
    """When each machine has booted, has its extension, and is healthy; seconds."""

    machines: tuple[tuple[float, float, float], ...]

    @property
    def deployed(self) -> float:
        """When Azure's operation has ended: every machine has its extension."""
        return max(moments[1] for moments in self.machines)

    @property
    def healthy(self) -> float:
        """When the set is healthy."""
        return max(moments[2] for moments in self.machines)

    def show(self) -> Show:
        """What Azure shows of it from each moment on."""
        moments = sorted({0.0, *(moment for machine in self.machines for moment in machine)})
        return timeline({moment: self._at(moment) for moment in moments})

    def _at(self, now: float) -> Snapshot:
        status = "succeeded" if now >= self.deployed else "creating"
        return snapshot(*(_machine(now, *moments) for moments in self.machines), status=status)


def _machine(now: float, booted: float, extended: float, healthy: float) -> Vm:
    if now < booted:
        return Vm(provisioning="creating", health=None, extensions=())
    if now < extended:
        return Vm(provisioning="creating", health=None, extensions=(("cse", "creating"),))
    return Vm() if now >= healthy else Vm(health="unhealthy")


def lives(number: int) -> list[Life]:
    """Random ones, the same in each run."""
    draw = random.Random(SEED)  # noqa: S311 - no secret
    found = []
    for _ in range(number):
        slow = draw.uniform(0, 240)
        machines = []
        for _ in range(MACHINES):
            booted = 20 + draw.uniform(0, slow)
            extended = booted + draw.uniform(5, 40)
            machines.append((booted, extended, extended + draw.uniform(5, 60)))
        found.append(Life(tuple(machines)))
    return found


def every(seconds: float) -> Callable[[], Iterator[float]]:
    """A schedule with one interval."""

    def schedule() -> Iterator[float]:
        while True:
            yield seconds

    return schedule


def terraform() -> Iterator[float]:
    """StateChangeConf: from 100 ms, doubled up to 10 s."""
    pause = 0.1
    while True:
        pause = min(pause * 2, 10.0)
        yield pause


def is_deployed(body: Mapping[str, Any]) -> bool:
    """Whether a set's model says that the operation has succeeded."""
    return str(body["properties"]["provisioningState"]).lower() == "succeeded"


def is_healthy(body: Mapping[str, Any]) -> bool:
    """Whether a list says of all instances that they are healthy."""
    views = [each["properties"].get("instanceView") or {} for each in body["value"]]
    codes = [((view.get("vmHealth") or {}).get("status") or {}).get("code") for view in views]
    return codes == ["HealthState/healthy"] * MACHINES


@dataclass(frozen=True)
class Schedule:
    """How others wait: their pauses, what they read, when they are content."""

    name: str
    pauses: Callable[[], Iterator[float]]
    below: str = "/virtualMachines?$expand=instanceView"
    is_done: Callable[[Mapping[str, Any]], bool] = is_healthy
    about: str = ""

    def since(self, life: Life) -> float:
        """The moment from which on it could notice."""
        return life.healthy if self.is_done is is_healthy else life.deployed

    def wait(self, azure: Metered, clock: SleepingClock, scale_set: ScaleSetId) -> None:
        """Wait; a refused request is repeated when Azure says, as Azure's SDKs do."""
        for pause in self.pauses():
            answer = azure.get("", f"{PUBLIC.resource_manager}{scale_set}{self.below}", "token", Deadline(30, clock))
            if answer.status == 429:
                clock.sleep(float(answer.headers["Retry-After"]))
            elif self.is_done(json.loads(answer.content)):
                return
            else:
                clock.sleep(pause)


@dataclass(frozen=True)
class Gate:
    """How this project waits."""

    name: str
    policy: GatePolicy = ENOUGH
    flexible: bool = False
    about: str = ""

    def since(self, life: Life) -> float:
        """The moment from which on it could notice."""
        return life.healthy

    def wait(self, azure: Azure, scale_set: ScaleSetId) -> None:
        """Wait, by the product's own parts."""
        waited = wait(azure, scale_set, self.policy)
        if waited.outcome.ending is not Ending.HEALTHY:
            raise NotDone(f"{self.name}: {waited.outcome}")


GATES = (
    Gate(OURS),
    Gate(FLEXIBLE, flexible=True),
    Gate(HELD, GatePolicy(timeout="2h")),
)
SCHEDULES = (
    Schedule(AZ_WAIT, every(30), "", is_deployed, OF_MODEL),
    Schedule(SAMPLES, every(30), about="The SDK's samples wait for operations alone, at this pace."),
    Schedule(SHELL, every(10), about="With `--instance-id '*'`, which shows health."),
    Schedule("the same, every 15 s", every(15)),
    Schedule("terraform's schedule (0.2 to 10 s)", terraform, about="Simulated: no provider waits for this."),
)  # fmt: skip


def waits(way: Gate | Schedule, together: Sequence[Life]) -> Iterator[dict[str, float]]:
    """What each of some waits took that begin together in one subscription."""
    simulation = Simulation()
    azure = Metered(simulation.clock())
    shared, ended = azure.azure(), dict[str, float]()
    sets = {}
    for number, life in enumerate(together):
        flexible = isinstance(way, Gate) and way.flexible
        sets[f"web{number}"] = azure.add(f"web{number}", ScaleSet(life.show(), flexible=flexible))

    def task(name: str) -> Callable[[], None]:
        def run() -> None:
            if isinstance(way, Gate):
                way.wait(shared, sets[name])
            else:
                way.wait(azure, simulation.clock(), sets[name])
            ended[name] = simulation.time

        return run

    simulation.run([task(name) for name in sets])
    for name, life in zip(sets, together, strict=True):
        late = ended[name] - way.since(life)
        if late < 0:
            raise NotDone(f"{way.name}: it returned {-late:.1f} s before there was anything to notice")
        asked, refused = sum(azure.asked.values()), len(azure.refused)
        yield {"late": late, "requests": asked / len(sets), "refused": refused / len(sets)}


def virtual(key: str, title: str, ways: Sequence[Gate | Schedule], all_lives: Sequence[Life], together: int) -> Table:
    """Some ways, over groups of so many waits."""
    results = []
    for way in ways:
        whose: Whose = "ours" if isinstance(way, Gate) else "peer"
        measured = Measured(way.name, whose, way.about)
        for begin in range(0, len(all_lives), together):
            for numbers in waits(way, all_lives[begin : begin + together]):
                measured.add(numbers)
        results.append(measured)
    return Table(key, title, VIRTUAL, MEASURES, results)


@dataclass(frozen=True)
class Client:
    """A real client: the name of its row, the ending of its sets' names, the words that wait for a set."""

    name: str
    short: str
    words: Callable[[str, str], list[str]]
    whose: Whose = "peer"
    needs: tuple[str, ...] = ()


_LOOP = """until [ "$(az vmss get-instance-view -g rg -n {name} --instance-id '*' -o tsv --query \
"length([?vmHealth.status.code=='HealthState/healthy'])")" = {machines} ]; do sleep 10; done"""
_VMSS_HEALTH = [sys.executable, "-m", "pulumi_vmss_health.cli", "wait", "--hold", "0s", "--quiet"]
_POLL = str(peers.ROOT / "benchmarks" / "programs" / "poll.py")
CLIENTS = (
    Client("`vmss-health wait --hold 0s`", "ours", lambda _name, path: [*_VMSS_HEALTH, path], "ours"),
    Client(
        AZ_WAIT,
        "az",
        lambda name, _path: printed(f"az vmss wait -g rg -n {name} --custom \"provisioningState=='Succeeded'\""),
        needs=(AZ,),
    ),
    Client(SHELL, "sh", lambda name, _path: ["sh", "-c", _LOOP.format(name=name, machines=MACHINES)], needs=(AZ,)),
    Client(SAMPLES, "sdk", lambda name, _path: [peers.sdk_python(), _POLL, "rg", name, str(MACHINES)], needs=(SDK,)),
)
APART, WITHIN = 4.0, 300.0  # seconds


def real(number: int, earliest: float, latest: float) -> Table:
    """So many timelines in real time, with the real clients; healthy at moments spread evenly between two."""
    draw = random.Random(SEED)  # noqa: S311 - no secret
    step = (latest - earliest) / number
    moments = [earliest + step * (index + draw.random()) for index in range(number)]
    draw.shuffle(moments)
    left_out = [each for client in CLIENTS for each in peers.left_out(client.name, *client.needs)]
    missing = {each.name for each in left_out}
    clients = [client for client in CLIENTS if client.name not in missing]
    sets = {}
    for index, moment in enumerate(moments):
        boot = moment * draw.uniform(0.4, 0.8)
        life = {"boot": f"{boot:.3f}s", "extension": f"{moment - boot:.3f}s", "healthy": "0s"}
        sets.update({f"web{index}-{client.short}": life for client in clients})
    sets["warm"] = {"boot": "0s", "extension": "0s", "healthy": "0s"}
    results = {client.name: Measured(client.name, client.whose) for client in clients}
    with peers.ground({"scale_sets": sets}, quota=True) as ground, ThreadPoolExecutor(number * len(clients)) as pool:
        warm = ground.azure.put_scale_set("warm", capacity=MACHINES, extensions=["app"], health=True)
        for client in clients:  # which fills the caches of all
            _wait(ground, client, "warm", warm)
        began = time.monotonic() + 1
        runs = [
            (client, pool.submit(_run, ground, client, index, moment, began + APART * index))
            for index, moment in enumerate(moments)
            for client in clients
        ]
        for client, run in runs:
            results[client.name].add(run.result())
    title = f"{TITLE}: {number} timeline{'s' if number > 1 else ''} in real time, with the real clients"
    return Table("delay-real", title, REAL, MEASURES, list(results.values()), left_out)


def _run(ground: Ground, client: Client, index: int, moment: float, begin: float) -> dict[str, float]:
    """Deploy a set when its time has come, wait for it by a client, and say what that took."""
    time.sleep(max(begin - time.monotonic(), 0))
    name = f"web{index}-{client.short}"
    began = time.monotonic()
    path = ground.azure.put_scale_set(name, capacity=MACHINES, extensions=["app"], health=True)
    _wait(ground, client, name, path)
    late = time.monotonic() - began - moment
    if late < 0:
        raise NotDone(f"{client.name}: it returned {-late:.1f} s before there was anything to notice")
    asked = [each for each in ground.azure.requests if f"/{name}".lower() in each.path.lower()]
    return {"late": late, "requests": len(asked), "refused": sum(each.status == 429 for each in asked)}


def _wait(ground: Ground, client: Client, name: str, path: str) -> None:
    environment = {**ground.with_az, "PYTHONPATH": _with_root(ground.environment.get("PYTHONPATH", ""))}
    words = client.words(name, path)
    code, said, errors = ended(words, environment, WITHIN)
    if code != 0:
        raise NotDone(f"{client.name}: exit code {code}: {said}{errors}")


def _with_root(path: str) -> str:
    return f"{peers.ROOT}:{path}" if path else str(peers.ROOT)


def tables(effort: Effort) -> Iterator[Table]:
    """Measure."""
    number = effort(200, 20)
    found, title = lives(number), f"{TITLE}: {number} timelines"
    yield virtual("delay", f"{title}, each wait alone", (*GATES, *SCHEDULES), found, 1)
    yield virtual("delay-20", f"{title}, 20 waits at a time in one subscription", (GATES[0], *SCHEDULES), found, 20)
    yield real(effort(20, 1), *effort((5.0, 35.0), (1.0, 1.5)))
