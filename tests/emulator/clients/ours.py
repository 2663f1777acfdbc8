"""Reads the view of a scale set with `vmss_instance_view`, and prints it as JSON."""

from __future__ import annotations

import json
import os
import sys

from vmss_instance_view import InstanceViewError, ScaleSetNotFound, get_instance_view


def main() -> None:
    """Read the view of the set that is named, in the emulator's subscription."""
    compute = f"/subscriptions/{os.environ['ARM_SUBSCRIPTION_ID']}/resourceGroups/rg/providers/Microsoft.Compute"
    try:
        print(json.dumps(get_instance_view(f"{compute}/virtualMachineScaleSets/{sys.argv[1]}").to_json()))
    except InstanceViewError as error:
        print(error, file=sys.stderr)
        sys.exit(3 if isinstance(error, ScaleSetNotFound) else 1)


if __name__ == "__main__":
    main()
