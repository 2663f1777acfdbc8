"""`vmss-health explain`: the gate's verdict on saved answers of Azure. It asks nobody."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pulumi_vmss_health.capturing.bodies import snapshot_of
from pulumi_vmss_health.capturing.playback import snapshot_in
from pulumi_vmss_health.cli.console.screen import print_told
from pulumi_vmss_health.cli.exits import Exit
from pulumi_vmss_health.cli.flags.policy import add_policy, policy_of, text_of
from pulumi_vmss_health.judging.policy import GatePolicy
from pulumi_vmss_health.judging.snapshot import Snapshot
from pulumi_vmss_health.judging.verdict import State, Verdict, evaluate
from pulumi_vmss_health.telling.failure import causes
from pulumi_vmss_health.telling.status import counts_of
from vmss_instance_view.clock import Clock
from vmss_instance_view.model import InstanceView

_FILES = (
    "JSON of a view, a list of instances, a model, a rolling upgrade: of REST, az or an SDK; - for standard input; "
    "or the folder of a capture"
)


def offer(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the command."""
    parser.add_argument("files", nargs="+", metavar="FILE", help=_FILES)
    add_policy(parser)


def run(options: argparse.Namespace, clock: Clock) -> Exit:
    """Judge and print. Raises ValueError or TypeError for a file or a policy that cannot be read."""
    if [*options.files, options.policy].count("-") > 1:
        raise ValueError("- is given twice: standard input can be read once")
    policy = policy_of(options)
    seen = _seen(options.files, clock)
    is_counted = seen.view != InstanceView() or seen.instances is not None
    verdict = evaluate(seen, policy) if is_counted else _of_the_rest(seen, policy)
    state = _state(verdict)
    warnings = [reason.message for reason in verdict.reasons if reason.state is State.HEALTHY]
    counts = ", ".join(map(str, counts_of(seen, policy.capacity))) if is_counted else "VMs not known"
    print_told([f"{state}: {counts}", *causes(verdict), *_lacking(seen, verdict), *warnings])
    return Exit.HEALTHY if verdict.passes else Exit.NOT_HEALTHY


def _seen(files: Sequence[str], clock: Clock) -> Snapshot:
    if not any(map(os.path.isdir, files)):  # False also for a name that can be none, of which `text_of` tells
        return snapshot_of((name, text_of(name)) for name in files)
    if len(files) > 1:
        raise ValueError("give either the folder of one capture, or files")
    return snapshot_in(Path(files[0]), clock)


def _of_the_rest(seen: Snapshot, policy: GatePolicy) -> Verdict:
    """Judge what tells nothing of VMs: without a capacity, of which none of them would be missing."""
    model = seen.scale_set and replace(seen.scale_set, capacity=None)
    return evaluate(replace(seen, scale_set=model), replace(policy, capacity=None))


def _lacking(seen: Snapshot, verdict: Verdict) -> list[str]:
    """Say which bodies would let the rest be judged."""
    bodies = {
        "the instance view": bool(seen.view.statuses or (seen.scale_set and seen.instances is not None)),
        "the list of instances, with their views": seen.instances is not None,
        "the model": seen.scale_set is not None,
    }
    lacking = [body for body, is_given in bodies.items() if not is_given]
    return [f"next: give, too: {'; '.join(lacking)}"] if verdict.unjudged and lacking else []


def _state(verdict: Verdict) -> str:
    if verdict.state is State.HEALTHY and not verdict.passes:
        return "not judged"
    return verdict.state.word
