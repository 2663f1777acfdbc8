"""Prints what a gate sees of a scale set, as `explain` would say it of each part: a JSON object."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace

from pulumi_vmss_health import GatePolicy, ScaleSet, ScaleSetId, Snapshot, evaluate
from pulumi_vmss_health.judging.snapshot import Ask
from pulumi_vmss_health.telling.failure import causes
from pulumi_vmss_health.waiting.look import Looker
from vmss_instance_view.azure.settings import Settings
from vmss_instance_view.connection import Azure
from vmss_instance_view.model import InstanceView
from vmss_instance_view.reading.flexible import count


def main() -> None:
    """Look once at the set that is named, as a gate does."""
    policy = GatePolicy(capacity=3)
    seen = Looker(Azure(Settings(os.environ)), ScaleSetId.parse(sys.argv[1]), policy)(60, Ask())
    instances = seen.instances or ()
    uncounted = replace(seen.scale_set or ScaleSet(), capacity=None)
    parts = {
        "view": (Snapshot(seen.view), policy),
        "list": (Snapshot(count(ScaleSet(), instances), instances=instances), policy),
        "show": (Snapshot(InstanceView(), uncounted), replace(policy, capacity=None)),
        "all": (Snapshot(seen.view, seen.scale_set, instances), policy),
    }
    verdicts = {part: evaluate(*seen_by) for part, seen_by in parts.items()}
    told = {part: [0 if each.passes else 1, sorted(causes(each))] for part, each in verdicts.items()}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
