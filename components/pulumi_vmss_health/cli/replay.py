"""`vmss-health replay`: how a recorded wait would have ended under another policy. It asks nobody."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pulumi_vmss_health.cli.exits import Exit, exit_of
from pulumi_vmss_health.cli.flags.policy import add_policy, policy_of
from pulumi_vmss_health.cli.printing import result
from pulumi_vmss_health.evidence.reading import read
from pulumi_vmss_health.evidence.replay import Replayed, limited, recorded_policy, replay
from pulumi_vmss_health.judging.policy import GatePolicy
from pulumi_vmss_health.telling.failure import causes, headline, lost_look, told_apart, warnings
from pulumi_vmss_health.waiting.ending import Ending
from vmss_instance_view.clock import Clock
from vmss_instance_view.durations import format_seconds
from vmss_instance_view.scale_set_id import ScaleSetId
from vmss_instance_view.text import LINE, clean


def offer(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the command."""
    parser.add_argument("file", metavar="EVIDENCE", help="the file that `wait --evidence` or a gate wrote")
    add_policy(parser)


def run(options: argparse.Namespace, _clock: Clock) -> Exit:
    """Replay each wait of the file. Raises ValueError or TypeError for a file or a policy that cannot be read."""
    waits = read(Path(options.file))["waits"]
    try:
        given = policy_of(options) if options.policy else None  # read once: it may be standard input
        replayed = [(wait, replay(wait, given or _policy(options, wait))) for wait in waits]
        names = told_apart([ScaleSetId.parse(wait["scaleSetId"]) for wait in waits])
        told = [
            "\n  ".join(clean(line, LINE) for line in _lines(name, wait, each))
            for name, (wait, each) in zip(names, replayed, strict=True)
        ]
    except OverflowError:
        raise ValueError(f"{options.file} is no evidence: a time in it is too large") from None
    except (ValueError, TypeError) as error:  # which may quote the file
        raise ValueError(clean(str(error), LINE)) from None
    for each in told:
        result(each)
    return exit_of(each.outcome.ending for _, each in replayed)


def _policy(options: argparse.Namespace, wait: Mapping[str, Any]) -> GatePolicy:
    """Return the policy that a wait had, as the flags change it."""
    policy = policy_of(options, recorded_policy(wait))
    return policy if options.policy_timeout else limited(policy, wait)


def _lines(name: str, wait: Mapping[str, Any], replayed: Replayed) -> list[str]:
    outcome = replayed.outcome
    recorded = f"recorded: {wait['ending']} after {format_seconds(wait['elapsedSeconds'])}"
    if replayed.unknown:
        return [f"scale set {name}: not known: {replayed.unknown}", recorded]
    progress = outcome.progress
    if outcome.ending is Ending.HEALTHY:
        return [headline(outcome, name), *warnings(outcome), recorded]
    lost = [lost_look(progress.error).message] if progress.error else []
    return [headline(outcome, name), *lost, *(causes(progress.verdict) if progress.verdict else ()), recorded]
