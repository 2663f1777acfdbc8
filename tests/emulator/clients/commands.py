"""Prints each az command that a gate names when it fails, one a line."""

from __future__ import annotations

import os
import re
import sys

from pulumi_vmss_health import GatePolicy, ScaleSetId
from pulumi_vmss_health.telling.failure import failure_lines
from pulumi_vmss_health.waiting.look import Looker
from pulumi_vmss_health.waiting.watch import watch
from vmss_instance_view.azure.settings import Settings
from vmss_instance_view.connection import Azure


def main() -> None:
    """Wait for a set for a moment, as a gate does, and print what it would say to look closer."""
    azure, scale_set = Azure(Settings(os.environ)), ScaleSetId.parse(sys.argv[1])
    policy = GatePolicy(timeout="5s", stale_instances="fail")
    outcome = watch(Looker(azure, scale_set, policy), policy, azure.clock, lambda _progress: None)
    for line in failure_lines(outcome, scale_set):
        for command in re.findall("`(az .*?)`", line):
            print(command)


if __name__ == "__main__":
    main()
