"""`vmss-health wait`: the gate's wait for one scale set or several, without a stack."""

from __future__ import annotations

import argparse
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from pulumi_vmss_health.cli import pipeline
from pulumi_vmss_health.cli.exits import Exit, exit_of
from pulumi_vmss_health.cli.flags import add_policy, add_scale_set, azure_of, policy_of, scale_sets
from pulumi_vmss_health.cli.printing import progress, result
from pulumi_vmss_health.evidence.file import refuse_unwritable, write
from pulumi_vmss_health.evidence.recorder import Recorder, file_text
from pulumi_vmss_health.telling.failure import failure_lines, headline, warnings
from pulumi_vmss_health.telling.status import StatusLine, seconds
from pulumi_vmss_health.waiting.look import Looker
from pulumi_vmss_health.waiting.memory import Ending
from pulumi_vmss_health.waiting.watch import Outcome, watch
from vmss_instance_view.clock import Clock
from vmss_instance_view.scale_set_id import ScaleSetId

_WIDTH = 200  # scale sets that are waited for at the same time


def offer(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the command."""
    add_scale_set(parser, several=True)
    parser.add_argument("--evidence", metavar="FILE", help="write what was seen to a JSON file: docs/evidence.md")
    parser.add_argument("--quiet", action="store_true", help="print the results alone")
    add_policy(parser)


def run(options: argparse.Namespace, clock: Clock) -> Exit:
    """Wait for all, and print how each ended. Raises ValueError or TypeError for a wrong id or policy."""
    wanted, policy, azure = scale_sets(options), policy_of(options), azure_of(options, clock)
    file = _evidence_file(options)
    recorded: dict[str, str] = {}
    began = clock.monotonic()
    printing = threading.Lock()

    def teller(scale_set: ScaleSetId) -> Callable[[str], None]:
        def say(text: str) -> None:
            with printing:
                progress(f"{seconds(clock.monotonic() - began):>6}  {scale_set.name}: {text}")

        return say if not options.quiet else lambda _text: None

    def wait_for(scale_set: ScaleSetId) -> Outcome:
        look = Looker(azure, scale_set, policy)
        recorder = Recorder(look, policy, clock) if file else None
        outcome = watch(look, policy, clock, StatusLine(teller(scale_set), clock), record=recorder)
        if recorder:
            recorded[str(scale_set)] = recorder.text(outcome, scale_set, azure.portal)
        with printing:
            _print(outcome, scale_set, azure.portal)
        return outcome

    outcomes = clock.each(wait_for, wanted, min(len(wanted), _WIDTH))
    if file:
        _save(file, [recorded[str(each)] for each in wanted])
    pipeline.summarize([(each.name, outcome) for each, outcome in zip(wanted, outcomes, strict=True)])
    return exit_of(outcome.ending for outcome in outcomes)


def _print(outcome: Outcome, scale_set: ScaleSetId, portal: str | None) -> None:
    """Print the headline, and below it what there is to know."""
    if outcome.ending is Ending.HEALTHY:
        lines: Sequence[str] = [headline(outcome, scale_set.name), *warnings(outcome)]
    else:
        lines = failure_lines(outcome, scale_set, portal)
        pipeline.annotate(lines)
    result("\n  ".join(lines))


def _evidence_file(options: argparse.Namespace) -> Path | None:
    if not options.evidence:
        return None
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
