"""The flags that several commands have: which scale set, which Azure, and every field of the policy."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pulumi_vmss_health.judging.policy import GatePolicy
from vmss_instance_view.azure.cloud import find_cloud
from vmss_instance_view.azure.settings import Settings
from vmss_instance_view.clock import Clock, Deadline
from vmss_instance_view.connection import METADATA_WITHIN, Azure
from vmss_instance_view.scale_set_id import ScaleSetId

_LISTS = ("extensions", "ignore_extensions", "ignore_failure_codes")
_COUNTS = ("min_healthy", "min_healthy_per_zone", "capacity")
_FIELDS = tuple(each.name for each in dataclasses.fields(GatePolicy))
_WHERE = {"cloud": "azure-native:environment", "metadata_host": "azure-native:metadataHost"}


def add_scale_set(parser: argparse.ArgumentParser, *, several: bool = False) -> None:
    """Add what names a scale set, and the Azure that it is in."""
    parser.add_argument("id", nargs="*" if several else "?", metavar="ID", help="the scale set's ARM id")
    parser.add_argument("-g", "--resource-group", metavar="GROUP", help="instead of an id: its resource group,")
    parser.add_argument("-n", "--name", help="its name,")
    parser.add_argument("--subscription", metavar="ID", help="and its subscription (else ARM_SUBSCRIPTION_ID)")
    parser.add_argument("--cloud", help="public, usgovernment or china (else ARM_ENVIRONMENT)")
    parser.add_argument("--metadata-host", metavar="HOST", help="of any other cloud (else ARM_METADATA_HOSTNAME)")


def scale_sets(options: argparse.Namespace) -> list[ScaleSetId]:
    """Return the scale sets that the flags name. Raises ValueError."""
    given = options.id if isinstance(options.id, list) else [options.id] if options.id else []
    if options.resource_group or options.name:
        if given:
            raise ValueError("give either an id, or -g and -n")
        given = [_id(options)]
    if not given:
        raise ValueError("a scale set is missing: give its id, or -g GROUP -n NAME")
    found = [ScaleSetId.parse(each) for each in given]
    twice = next((each for index, each in enumerate(found) if each in found[:index]), None)
    if twice:
        raise ValueError(f"the scale set {twice.name} is given twice")
    return found


def _id(options: argparse.Namespace) -> str:
    subscription = options.subscription or os.environ.get("ARM_SUBSCRIPTION_ID")
    parts = {"-g GROUP": options.resource_group, "-n NAME": options.name, "--subscription ID": subscription}
    missing = [flag for flag, value in parts.items() if not value]
    if missing:
        raise ValueError(f"{' and '.join(missing)} is missing")
    group, name = options.resource_group, options.name
    compute = "providers/Microsoft.Compute/virtualMachineScaleSets"
    return f"/subscriptions/{subscription}/resourceGroups/{group}/{compute}/{name}"


def azure_of(options: argparse.Namespace, clock: Clock) -> Azure:
    """Return the Azure that flags and variables name; it is connected when something is read.

    Raises ConfigurationError for a cloud that has no such name.
    """
    given = {key: getattr(options, name) for name, key in _WHERE.items()}
    variables = dict(os.environ)
    if options.cloud:
        variables.pop("ARM_METADATA_HOSTNAME", None)  # which would win over a name
    settings = Settings(variables, given.get)
    if options.cloud and not options.metadata_host:
        find_cloud(settings, Deadline(METADATA_WITHIN, clock))  # asks nobody for a name
    return Azure(settings, clock)


def add_policy(parser: argparse.ArgumentParser) -> None:
    """Add a flag for each field of the policy, described by its docstring."""
    group = parser.add_argument_group("policy", "what is required; see docs/policy.md")
    group.add_argument("--policy", metavar="FILE", help="a JSON file with these fields; flags win over it")
    told = GatePolicy.descriptions()
    for name in _FIELDS:
        metavar = "A,B" if name in _LISTS else "VALUE"
        group.add_argument(_flag(name), dest=f"policy_{name}", metavar=metavar, help=told[name].replace("%", "%%"))


def policy_of(options: argparse.Namespace) -> GatePolicy:
    """Return the policy that file and flags ask for. Raises ValueError or TypeError, naming the field."""
    given = _of_file(Path(options.policy)) if options.policy else {}
    flags = {name: getattr(options, f"policy_{name}") for name in _FIELDS}
    given.update({name: _value(name, text) for name, text in flags.items() if text is not None})
    return GatePolicy.of(given)


def _of_file(file: Path) -> dict[str, Any]:
    try:
        read = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise ValueError(f"--policy {file}: {error}") from None
    if not isinstance(read, Mapping):
        raise TypeError(f'--policy {file}: a JSON object is needed, such as {{"min_healthy": "90%"}}')
    return dict(read)


def _value(name: str, text: str) -> object:
    if name in _COUNTS and text.lstrip("-").isdigit():
        return int(text)
    if name in _LISTS and text != "all":
        return [each.strip() for each in text.split(",") if each.strip()]
    return None if name == "confirm_failure" and text.lower() == "none" else text


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"
