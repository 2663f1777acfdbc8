"""Which scale set, and in which Azure."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable

from pulumi_vmss_health.cli.flags.values import filled, flag_of
from vmss_instance_view.azure.cloud import check_metadata_host, find_cloud
from vmss_instance_view.azure.recording import Read
from vmss_instance_view.azure.settings import Settings
from vmss_instance_view.clock import Clock, Deadline
from vmss_instance_view.connection import METADATA_WITHIN, Azure
from vmss_instance_view.scale_set_id import ScaleSetId

_WHERE = {"cloud": "azure-native:environment", "metadata_host": "azure-native:metadataHost"}


class _Settings(Settings):
    """Settings that call what a flag gave by the flag."""

    def names(self, *keys: str) -> str:
        """Return how a person sets each of the keys."""
        flags = {_WHERE[name].partition(":")[2]: flag_of(name) for name in _WHERE if self._config(_WHERE[name])}
        return ", ".join(flags.get(key) or super(_Settings, self).names(key) for key in keys)


def add_scale_set(parser: argparse.ArgumentParser, *, several: bool = False) -> None:
    """Add what names a scale set, and the Azure that it is in."""
    parser.add_argument("id", nargs="*" if several else "?", metavar="ID", help="the scale set's ARM id")
    parser.add_argument(
        "-g",
        "--resource-group",
        metavar="GROUP",
        type=filled,
        help="the scale set's resource group, with -n instead of an id",
    )
    parser.add_argument("-n", "--name", type=filled, help="the scale set's name")
    parser.add_argument("--subscription", metavar="ID", type=filled, help="of -g and -n (else ARM_SUBSCRIPTION_ID)")
    parser.add_argument("--cloud", type=filled, help="public, usgovernment or china (else ARM_ENVIRONMENT)")
    parser.add_argument(
        "--metadata-host", metavar="HOST", type=filled, help="what describes another cloud (else ARM_METADATA_HOSTNAME)"
    )


def scale_sets(options: argparse.Namespace) -> list[ScaleSetId]:
    """Return the scale sets that the flags name. Raises ValueError."""
    given = options.id if isinstance(options.id, list) else [options.id] if options.id else []
    if options.resource_group or options.name:
        if given:
            raise ValueError("give either an id, or -g and -n")
        given = [_id(options)]
    elif given and options.subscription:
        raise ValueError("--subscription goes with -g and -n: an id has its own")
    if not given:
        raise ValueError("a scale set is missing: give its id, or -g GROUP -n NAME")
    found = [ScaleSetId.parse(each.strip()) for each in given]  # a line of a Windows tool ends in a return
    twice = next((each for index, each in enumerate(found) if each in found[:index]), None)
    if twice:
        raise ValueError(f"the scale set {twice.name} is given twice")
    return found


def _id(options: argparse.Namespace) -> str:
    subscription = options.subscription or os.environ.get("ARM_SUBSCRIPTION_ID")
    parts = {"-g GROUP": options.resource_group, "-n NAME": options.name, "--subscription ID": subscription}
    missing = [flag for flag, value in parts.items() if not value]
    if missing:
        raise ValueError(f"{' and '.join(missing)} {'are' if len(missing) > 1 else 'is'} missing")
    if wrong := [flag for flag, value in parts.items() if "/" in str(value)]:
        raise ValueError(f"{wrong[0]}: a name has no '/'; an id is given without -g and -n")
    group, name = options.resource_group, options.name
    compute = "providers/Microsoft.Compute/virtualMachineScaleSets"
    return f"/subscriptions/{subscription}/resourceGroups/{group}/{compute}/{name}"


def azure_of(options: argparse.Namespace, clock: Clock, keep: Callable[[Read], None] | None = None) -> Azure:
    """Return the Azure that flags and variables name; it is connected when something is read.

    keep: is handed every answer. Raises ConfigurationError for a cloud or a host that has no such name.
    """
    given = {key: getattr(options, name) for name, key in _WHERE.items()}
    variables = dict(os.environ)
    if options.cloud:
        variables.pop("ARM_METADATA_HOSTNAME", None)  # which would win over a name
    settings = _Settings(variables, given.get)
    if options.metadata_host:
        check_metadata_host(settings, settings.metadata_host or "")
    elif options.cloud:
        find_cloud(settings, Deadline(METADATA_WITHIN, clock))  # asks nobody for a name
    return Azure(settings, clock, keep=keep)
