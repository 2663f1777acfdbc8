"""Waits with azure-mgmt-compute until every instance of a set is healthy, at the interval of the SDK's own poller.

The SDK's samples wait for nothing but operations, by the poller that each of them returns; it asks every 30 seconds
unless Azure says otherwise. Nothing of the SDK waits for health, so this program is what its user has to write.
"""

from __future__ import annotations

import sys
import time

from tests.emulator.clients.python.client import client


def main() -> None:
    """Wait for the set that is named."""
    compute, (group, name, capacity) = client(), sys.argv[1:4]
    while True:
        machines = list(compute.virtual_machine_scale_set_vms.list(group, name, expand="instanceView"))
        shown = [each.instance_view.vm_health for each in machines if each.instance_view]
        healthy = [each for each in shown if each and each.status.code == "HealthState/healthy"]
        if len(healthy) == int(capacity):
            return
        time.sleep(compute._config.polling_interval)


if __name__ == "__main__":
    main()
