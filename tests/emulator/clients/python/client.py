"""Runs in the environment of azure-mgmt-compute: does what it is told, and prints what came of it as JSON."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from azure.core.exceptions import HttpResponseError
from azure.identity import ClientSecretCredential
from azure.mgmt.compute import ComputeManagementClient


def client() -> Any:
    """The client, signed in with the application's secret."""
    url, bundle = os.environ["VMSS_EMULATOR_URL"], os.environ["REQUESTS_CA_BUNDLE"]
    credential = ClientSecretCredential(
        os.environ["ARM_TENANT_ID"],
        os.environ["ARM_CLIENT_ID"],
        os.environ["ARM_CLIENT_SECRET"],
        authority=url,
        disable_instance_discovery=True,
        connection_verify=bundle,
    )
    return ComputeManagementClient(
        credential,
        os.environ["ARM_SUBSCRIPTION_ID"],
        base_url=url,
        credential_scopes=[f"{url}/.default"],
        connection_verify=bundle,
    )


def main() -> None:
    """Do one operation of a scale set."""
    operation, group, name = sys.argv[1:4]
    sets, vms = client().virtual_machine_scale_sets, client().virtual_machine_scale_set_vms
    try:
        match operation:
            case "view":
                found = sets.get_instance_view(group, name).as_dict()
            case "show":
                found = sets.get(group, name).as_dict()
            case "list":
                found = [one.as_dict() for one in vms.list(group, name, expand="instanceView")]
            case "restart":
                found = sets.begin_restart(group, name, {"instanceIds": ["0"]}).result()
            case "delete":
                found = sets.begin_delete(group, name).result()
            case _:
                sys.exit(f"unknown operation {operation}")
    except HttpResponseError as error:
        sys.exit(3 if error.status_code == 404 else 1)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
