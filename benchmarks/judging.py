"""What it costs to make a verdict of Azure's bytes, by the number of instances: CPU, in this process."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from azure.mgmt.compute import models
from azure.mgmt.compute._utils.model_base import _deserialize
from tests.clocks import VirtualClock
from tests.metered import Metered, ScaleSet, Tokens
from tests.sets import Vm, snapshot

from benchmarks.suite.works import RUNS, Effort, Measure, NotDone, Table, Work, in_turns
from pulumi_vmss_health import GatePolicy, ScaleSetId, Snapshot, State, evaluate
from vmss_instance_view.azure.cloud import PUBLIC
from vmss_instance_view.azure.settings import Settings
from vmss_instance_view.azure.wire import Answer
from vmss_instance_view.clock import Deadline
from vmss_instance_view.connection import Azure, Connection
from vmss_instance_view.reading.reader import ScaleSetReader

TITLE = "Parse and judge"
SIZES = (1, 100, 1000)
PROCESSOR = Measure("processor", "CPU", "ms")
OURS, THEIRS, FLOOR = "bytes to verdict", "azure-mgmt-compute, models alone", "`json.loads` alone"
ABOUT = (
    "The model, the view and the expanded list of a Uniform set, all on one page, are parsed and judged, from the "
    "bytes that Azure's answers have; nothing is kept from one run to the next. In the list each instance is whole, "
    "with its disks, its network and its operating system, as Azure sends it (3.4 kB). azure-mgmt-compute makes "
    "its models of view and list and judges nothing. It makes the inner ones when they are asked for, so a second row "
    "asks for the states that a gate judges. `json.loads` of the same two bodies is the floor."
)


_MACHINE: dict[str, Any] = json.loads(Path(__file__).with_name("machine.json").read_text(encoding="utf-8"))
"""What Azure says of a machine besides its state: of it, below its properties, and in its view; made up."""


def whole(answer: Answer) -> Answer:
    """The answer with all that Azure says of each machine of a list."""
    body = json.loads(answer.content)
    for machine in body.get("value", []):
        properties = machine["properties"]
        view = {**_MACHINE["view"], **properties["instanceView"]}
        machine |= _MACHINE["machine"]
        machine["properties"] = {**_MACHINE["properties"], **properties, "instanceView": view}
    return Answer(answer.status, answer.headers, json.dumps(body).encode())


@dataclass
class Replayed:
    """A wire that gives the answers of another one, with whole machines; those to come are the same bytes."""

    source: Metered
    answers: dict[str, Answer] = field(default_factory=dict)

    def get(self, what: str, url: str, token: str, deadline: Deadline) -> Answer:
        """Answer as the source did the first time."""
        if url not in self.answers:
            self.answers[url] = whole(self.source.get(what, url, token, deadline))
        return self.answers[url]

    def body(self, part: str) -> bytes:
        """The body of the one answer whose path ends so."""
        (found,) = (answer.content for url, answer in self.answers.items() if url.partition("?")[0].endswith(part))
        return found


class Case:
    """A set of so many instances, all of them well, and its bodies."""

    def __init__(self, instances: int) -> None:
        self.instances = instances
        self._clock = VirtualClock()
        source = Metered(self._clock)
        shown = snapshot(*[Vm(zone="1")] * instances, zones=("1",))
        self._id: ScaleSetId = source.add("web", ScaleSet(lambda _now: shown, page=instances))
        self._wire = Replayed(source)
        self.judge(self.reader())  # which fetches the bodies
        self.view, self.list = self._wire.body("/instanceView"), self._wire.body("/virtualMachines")

    def reader(self) -> ScaleSetReader:
        """A reader that has read nothing yet."""
        return Azure(Settings({}), self._clock, Connection(PUBLIC, self._wire, Tokens())).reader(self._id)

    def parse(self, reader: ScaleSetReader) -> Snapshot:
        """Make what a look sees of the bytes."""
        deadline = Deadline(1e6, self._clock)
        model, view, instances = reader.model(deadline), reader.view(deadline), reader.instances(deadline)
        if len(instances) != self.instances:
            raise NotDone(f"of {self.instances} instances, {len(instances)} are read")
        return Snapshot(view, model, instances)

    def judge(self, reader: ScaleSetReader) -> None:
        """Make a verdict of the bytes."""
        verdict = evaluate(self.parse(reader), GatePolicy())
        if verdict.state is not State.HEALTHY:
            raise NotDone(f"a set of {self.instances} instances that are well is judged {verdict}")


def ours(case: Case, times: int, *, judge: bool = True) -> Callable[[], dict[str, float]]:
    """From bytes to a verdict; each time by a reader that has read nothing yet. judge: False: without the verdict."""
    work = case.judge if judge else case.parse

    def run() -> dict[str, float]:
        readers = iter([case.reader() for _ in range(times)])
        return timed(lambda: work(next(readers)), times)

    return run


def timed(function: Callable[[], object], times: int) -> dict[str, float]:
    """The time of a processor that one call takes, in milliseconds."""
    began = time.process_time()
    for _ in range(times):
        function()
    return {"processor": (time.process_time() - began) * 1000 / times}


def repeated(instances: int) -> int:
    """How often a run repeats what is too short for the clock."""
    return max(1, 100 // instances)


def theirs(case: Case, times: int, *, read: bool) -> Callable[[], dict[str, float]]:
    """Azure's models of the bytes. read: ask them for what a gate judges."""

    def once() -> None:
        view = _deserialize(models.VirtualMachineScaleSetInstanceView, json.loads(case.view))
        machines = _deserialize(list[models.VirtualMachineScaleSetVM], json.loads(case.list)["value"])
        if len(machines) != case.instances or (read and not _are_well(view, machines)):
            raise NotDone(f"azure-mgmt-compute reads something else: {view} and {len(machines)} instances")

    return lambda: timed(once, times)


def _are_well(view: Any, machines: list[Any]) -> bool:  # noqa: ANN401 - of Azure's models, any part may be missing
    """Whether the states that a gate judges are all well."""
    counted = sum(each.count for each in view.virtual_machine.statuses_summary)
    well = all(each.latest_model_applied and _is_well(each.instance_view) for each in machines)
    return well and counted == len(machines)


def _is_well(shown: Any) -> bool:  # noqa: ANN401 - as above
    """Whether one instance is."""
    codes = {each.code for each in shown.statuses}
    extensions = {each.code for extension in shown.extensions for each in extension.statuses}
    return (
        shown.vm_health.status.code == "HealthState/healthy"
        and codes >= {"ProvisioningState/succeeded", "PowerState/running"}
        and extensions == {"ProvisioningState/succeeded"}
    )


def floor(case: Case, times: int) -> Callable[[], dict[str, float]]:
    """JSON alone."""

    def once() -> None:
        if not json.loads(case.view) or len(json.loads(case.list)["value"]) != case.instances:
            raise NotDone("json.loads reads something else")

    return lambda: timed(once, times)


def tables(effort: Effort) -> Iterator[Table]:
    """Measure."""
    for size in SIZES:
        case, times = Case(size), repeated(size)
        works = [
            Work(OURS, ours(case, times), "ours"),
            Work("of it, to parse", ours(case, times, judge=False), "ours"),
            Work(THEIRS, theirs(case, times, read=False)),
            Work("azure-mgmt-compute, and read", theirs(case, times, read=True)),
            Work(FLOOR, floor(case, times), "floor"),
        ]
        title = f"{TITLE}: {size:,} instance{'s' if size > 1 else ''}"
        yield Table(f"judge-{size}", title, ABOUT, (PROCESSOR,), in_turns(works, effort(RUNS, 3)))
