"""`vmss-health capture`: every answer that a gate gets, masked, in a folder that can be shared. It judges nothing."""

from __future__ import annotations

import argparse
from pathlib import Path

from pulumi_vmss_health.capturing import questions
from pulumi_vmss_health.capturing.folder import Captured, Folder
from pulumi_vmss_health.capturing.mask import Mask
from pulumi_vmss_health.capturing.reads import Reads
from pulumi_vmss_health.capturing.take import Capture, Ended
from pulumi_vmss_health.cli.exits import Exit
from pulumi_vmss_health.cli.flags.scale_set import add_scale_set, azure_of, scale_sets
from pulumi_vmss_health.cli.printing import progress, result
from vmss_instance_view.clock import Clock
from vmss_instance_view.durations import parse_duration

_EXITS = {Ended.COMPLETE: Exit.HEALTHY, Ended.INTERRUPTED: Exit.INTERRUPTED, Ended.UNREADABLE: Exit.UNREADABLE}


def offer(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the command."""
    add_scale_set(parser)
    parser.add_argument("folder", metavar="DIR", help="an empty folder, or one that is made")
    parser.add_argument("--for", dest="seconds", metavar="TIME", default="0s", help="look again and again: 10m")
    parser.add_argument(
        "--messages",
        choices=("mask", "drop"),
        default="mask",
        help="mask: take secrets and names out of what guests and Azure say (the default); drop: leave it out",
    )
    parser.add_argument("--quiet", action="store_true", help="print the results alone")


def run(options: argparse.Namespace, clock: Clock) -> Exit:
    """Read, mask and write. Raises ValueError for a folder that is not empty, or a duration that is none."""
    (scale_set,) = scale_sets(options)
    seconds = parse_duration(options.seconds, "--for").total_seconds()
    reads = Reads()
    azure = azure_of(options, clock, reads.keep)
    mask = Mask(scale_set, drops_messages=options.messages == "drop")
    try:
        folder = Folder(Path(options.folder), mask, clock.monotonic())
        capture = Capture(azure, scale_set, reads, folder, progress if not options.quiet else lambda _line: None)
        ended = capture.run(seconds)
        told = {
            "ended": ended.value,
            "mode": capture.mode,
            "messages": options.messages,
            "scale_set": mask.path(str(scale_set)),
        }
        folder.close(told, lambda captured: questions.answered(_answers(captured)))
    except OSError as error:
        progress(f"vmss-health: {options.folder}: it cannot be written: {error.strerror}")
        return Exit.UNREADABLE
    result("\n".join(_told(Captured.load(Path(options.folder)))))
    return _EXITS[ended]


def _answers(captured: Captured) -> list[questions.Seen]:
    return [
        questions.Seen(each.kind, each.look, each.at, each.status, each.query, each.headers, captured.body(each))
        for each in captured.entries
    ]


def _told(captured: Captured) -> list[str]:
    ended, folder = captured.manifest["ended"], captured.path
    complete = sum(each.complete for each in captured.sights)
    lost = sum(each.error is not None for each in captured.sights)
    told = f"{folder}: {ended}, {len(captured.entries)} answers, {complete} complete looks"
    return [
        f"{told}, {lost} that could not be read" if lost else told,
        *(f"  {line}" for line in questions.table(captured.manifest["questions"])),
    ]
