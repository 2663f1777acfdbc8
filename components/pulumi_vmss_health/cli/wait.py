"""`vmss-health wait`: the gate's wait for one scale set or several, without a stack."""

from __future__ import annotations

import argparse
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from pulumi_vmss_health.cli.console import pipeline
from pulumi_vmss_health.cli.console.screen import is_terminal, print_told
from pulumi_vmss_health.cli.exits import Exit, exit_of
from pulumi_vmss_health.cli.flags.policy import add_policy, policy_of
from pulumi_vmss_health.cli.flags.scale_set import add_scale_set, azure_of, scale_sets
from pulumi_vmss_health.cli.flags.values import filled
from pulumi_vmss_health.cli.printing import progress
from pulumi_vmss_health.evidence.file import refuse_unwritable, write
from pulumi_vmss_health.evidence.recorder import Recorder, file_text
from pulumi_vmss_health.judging.policy import GatePolicy
from pulumi_vmss_health.telling.failure import below_headline, headline, told_apart
from pulumi_vmss_health.telling.status import StatusLine
from pulumi_vmss_health.waiting.ending import Ending
from pulumi_vmss_health.waiting.look import Looker
from pulumi_vmss_health.waiting.memory import Progress
from pulumi_vmss_health.waiting.watch import WIDTH, Outcome, in_steps, steps
from vmss_instance_view.clock import Clock, Stopped, Task
from vmss_instance_view.durations import format_seconds
from vmss_instance_view.scale_set_id import ScaleSetId


def offer(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the command."""
    add_scale_set(parser, several=True)
    parser.add_argument(
        "--evidence", metavar="FILE", type=filled, help="write what was seen to a JSON file: docs/evidence.md"
    )
    parser.add_argument("--quiet", action="store_true", help="print the results alone")
    add_policy(parser)


def run(options: argparse.Namespace, clock: Clock) -> Exit:
    """Wait for all, and print how each ended. Raises ValueError or TypeError for a wrong id or policy."""
    wanted, policy, azure = scale_sets(options), policy_of(options), azure_of(options, clock)
    file = _evidence_file(options)
    names = told_apart(wanted)
    looks = [Looker(azure, each, policy) for each in wanted]
    recorders = [Recorder(look, policy, clock) if file else None for look in looks]
    with _showing(names, policy.timeout_seconds, clock, is_quiet=options.quiet) as shown:
        outcomes = _outcomes(looks, policy, clock, shown, recorders)
    if file:
        told_of = zip(recorders, outcomes, wanted, names, strict=True)
        _save(file, [each.text(outcome, id_, azure.portal, name) for each, outcome, id_, name in told_of if each])
    told = [_result_lines(*each, azure.portal) for each in zip(outcomes, wanted, names, strict=True)]
    for lines, outcome in zip(told, outcomes, strict=True):
        _print(lines)
        if outcome.ending is not Ending.HEALTHY:
            pipeline.annotate(lines)
    pipeline.summarize(list(zip(names, outcomes, told, strict=True)))
    return exit_of(outcome.ending for outcome in outcomes)


def _outcomes(
    looks: Sequence[Looker],
    policy: GatePolicy,
    clock: Clock,
    shown: _Shown,
    recorders: Sequence[Recorder | None],
) -> list[Outcome]:
    """Wait for all at once, on a few threads; return how each wait ended. A stop cancels those that go on."""
    seen = [Progress(0.0, policy.timeout_seconds) for _ in looks]
    outcomes: dict[int, Outcome] = {}
    began = clock.monotonic()

    def wait_for(index: int) -> Task:
        tell = shown.report(index)

        def report(progress: Progress) -> None:
            seen[index] = progress
            tell(progress)

        def ended(outcome: Outcome) -> None:
            outcomes[index] = outcome
            shown.ended(index, outcome)

        return in_steps(steps(looks[index], policy, clock, report, record=recorders[index]), ended)

    with suppress(Stopped):
        clock.by_turns([wait_for(index) for index in range(len(looks))], WIDTH, lambda: False)
    elapsed = clock.monotonic() - began
    cancelled = [Outcome(Ending.CANCELLED, replace(each, elapsed=elapsed)) for each in seen]
    return [outcomes.get(index, each) for index, each in enumerate(cancelled)]


class _Shown(Protocol):
    """Shows how waits go, from all their threads."""

    def report(self, index: int, /) -> Callable[[Progress], None]:
        """Return what the wait for one of the scale sets reports to."""

    def ended(self, index: int, outcome: Outcome, /) -> None:
        """Show how it ended, while others go on."""


@contextmanager
def _showing(names: Sequence[str], limit: float, clock: Clock, *, is_quiet: bool) -> Iterator[_Shown]:
    """Show the waits: in a panel on a terminal; in a log, line by line, and in a pipeline these as a group."""
    in_pipeline = pipeline.on_github() or pipeline.on_azure()
    if not is_quiet and not in_pipeline and is_terminal(sys.stderr) and find_spec("rich"):
        from pulumi_vmss_health.cli.console.panel import Panel  # 0.1 s that a log does without

        with Panel(names, limit, clock) as panel:
            yield panel
    elif is_quiet:
        yield _LogLines(names, clock, lambda _line: None)
    else:
        several = f"{len(names)} scale sets" if len(names) > 1 else f"scale set {names[0]}"
        with pipeline.log_group(f"waiting for {several}"):
            yield _LogLines(names, clock, progress)


class _LogLines:
    """Shows waits in lines: on every change, and now and then that they still go on."""

    def __init__(self, names: Sequence[str], clock: Clock, say: Callable[[str], None]) -> None:
        """Say nothing yet."""
        self._names = names
        self._clock = clock
        self._say = say
        self._began = clock.monotonic()
        self._saying = threading.Lock()

    def report(self, index: int) -> Callable[[Progress], None]:
        """Return what the wait for one of the scale sets reports to."""
        return StatusLine(lambda text: self._line(index, text), self._clock)

    def ended(self, index: int, outcome: Outcome) -> None:
        """Say how a wait ended, if others go on: its result is printed when all have ended."""
        if len(self._names) > 1:
            self._line(index, f"ended: {headline(outcome, self._names[index])}")

    def _line(self, index: int, text: str) -> None:
        with self._saying:
            self._say(f"{format_seconds(self._clock.monotonic() - self._began):>6}  {self._names[index]}: {text}")


def _result_lines(outcome: Outcome, scale_set: ScaleSetId, name: str, portal: str | None) -> Sequence[str]:
    """Return the headline, and below it what there is to know."""
    return [headline(outcome, name), *below_headline(outcome, scale_set, portal)]


def _print(lines: Sequence[str]) -> None:
    """Print a result. That it cannot be printed is said, and changes no exit code: how the wait ended is known."""
    try:
        print_told(lines)
    except OSError as error:
        progress(f"vmss-health: standard output cannot be written: {error.strerror}")


def _evidence_file(options: argparse.Namespace) -> Path | None:
    if not options.evidence:
        return None
    if options.evidence == "-":
        raise ValueError("--evidence writes a file, for results go to standard output: give its name")
    file = Path(options.evidence)
    try:
        refuse_unwritable(file)
    except ValueError as error:
        raise ValueError(f"--evidence {error}") from None
    return file


def _save(file: Path, waits: Sequence[str]) -> None:
    """Write the evidence. That it cannot be written is said, and changes no exit code."""
    try:
        write(file, file_text(waits))
    except OSError as error:
        progress(f"the evidence could not be written to {file}: {error.strerror}")
