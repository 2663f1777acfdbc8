"""The flags that several commands have: which scale set, which Azure, and every field of the policy."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from pulumi_vmss_health.cli.console.signals import ending_at_once
from pulumi_vmss_health.judging.policy import CHOICES, GatePolicy
from vmss_instance_view.azure.cloud import check_metadata_host, find_cloud
from vmss_instance_view.azure.recording import Read
from vmss_instance_view.azure.settings import Settings
from vmss_instance_view.clock import Clock, Deadline
from vmss_instance_view.connection import METADATA_WITHIN, Azure
from vmss_instance_view.keys import stored_key
from vmss_instance_view.scale_set_id import ScaleSetId
from vmss_instance_view.text import clean

_LISTS = ("extensions", "ignore_extensions", "ignore_failure_codes")
_COUNTS = ("min_healthy", "min_healthy_per_zone", "capacity")
_OPTIONAL = ("min_healthy_per_zone", "capacity", "confirm_failure")
_FIELDS = tuple(each.name for each in dataclasses.fields(GatePolicy))
_WHERE = {"cloud": "azure-native:environment", "metadata_host": "azure-native:metadataHost"}


class _Settings(Settings):
    """Settings that call what a flag gave by the flag."""

    def names(self, *keys: str) -> str:
        """Return how a person sets each of the keys."""
        flags = {_WHERE[name].partition(":")[2]: _flag(name) for name in _WHERE if self._config(_WHERE[name])}
        return ", ".join(flags.get(key) or super(_Settings, self).names(key) for key in keys)


def filled(value: str) -> str:
    """Return a flag's value. Refuse an empty one: a variable that is not set must not drop the flag."""
    if not value:
        raise argparse.ArgumentTypeError("it is empty: leave the flag out, or give a value")
    return value


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


def add_policy(parser: argparse.ArgumentParser) -> None:
    """Add a flag for each field of the policy, described by its docstring."""
    group = parser.add_argument_group("policy", "what is required; see docs/policy.md")
    group.add_argument("--policy", metavar="FILE", type=filled, help="a JSON file with these fields; flags win over it")
    told = GatePolicy.descriptions()
    for name in _FIELDS:
        metavar = "WORD" if name in CHOICES else "A,B" if name in _LISTS else "VALUE"
        text = told[name].replace("%", "%%")
        dest = f"policy_{name}"
        group.add_argument(_flag(name), dest=dest, metavar=metavar, choices=CHOICES.get(name), help=text)


def policy_of(options: argparse.Namespace, otherwise: GatePolicy | None = None) -> GatePolicy:
    """Return the policy that file and flags ask for. Raises ValueError or TypeError, naming the field and the file.

    otherwise: what the flags change if there is no file.
    """
    given = _of_file(Path(options.policy)) if options.policy else _set_in(otherwise or GatePolicy())
    flags = {name: getattr(options, f"policy_{name}") for name in _FIELDS}
    of_flags = {name: _value(name, text) for name, text in flags.items() if text is not None}
    try:
        return GatePolicy.of({**given, **of_flags})
    except (ValueError, TypeError) as error:
        told = _in_flags(str(error), of_flags)
        of_file = options.policy and not told.startswith("--")
        raise type(error)(f"--policy {_called(options.policy)}: {told}" if of_file else told) from None


def _in_flags(message: str, names: Iterable[str]) -> str:
    """Call the fields that were given by flags what the user called them, where a message begins or compares."""
    for name in names:
        message = re.sub(rf"^{name}\b|(?<![\w-]){name}(?= \(| and | both )", _flag(name), message)
    return message


def _set_in(policy: GatePolicy) -> dict[str, Any]:
    stored = policy.to_json()
    return {name: getattr(policy, name) for name in _FIELDS if stored_key(name) in stored}


def _of_file(file: Path) -> dict[str, Any]:
    try:
        text = text_of(str(file))
    except ValueError as error:
        raise ValueError(f"--policy {error}") from None
    try:
        read = json.loads(text, object_pairs_hook=_unique)
    except ValueError as error:
        raise ValueError(f"--policy {file}: it is no JSON: {error}") from None
    except TypeError as error:
        raise ValueError(f"--policy {file}: {error}") from None
    except RecursionError:
        raise ValueError(f"--policy {file}: it is nested too deeply") from None
    if not isinstance(read, Mapping):
        raise TypeError(f'--policy {file}: a JSON object is needed, such as {{"min_healthy": "90%"}}')
    return dict(read)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of JSON. Raises TypeError for a name that it has twice, of which one value would be lost."""
    names = [stored_key(name) for name, _ in pairs]
    if twice := [name for index, name in enumerate(names) if name in names[:index]]:
        raise TypeError(f"it names {clean(twice[0], 60)} twice: give one value")
    return dict(pairs)


def text_of(file: str) -> str:
    """Return the text of a file of JSON, "-" for standard input, in whichever encoding of Unicode.

    Windows PowerShell writes UTF-16. Raises ValueError, which names the file.
    """
    try:
        with ending_at_once():  # a stop would not end the read of an input that is held open
            content = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        text = content.decode(json.detect_encoding(content)).removeprefix("\ufeff")
    except OSError as error:
        raise ValueError(f"{_called(file)}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{_called(file)}: it is no text in UTF-8 or UTF-16") from None
    if not text.strip():
        raise ValueError(f"{_called(file)}: it is empty")
    return text


def _called(file: str) -> str:
    return "standard input" if file == "-" else file


def _value(name: str, text: str) -> object:
    if name in _OPTIONAL and text.lower() == "none":
        return None
    if name in _COUNTS and text.removeprefix("-").isdecimal():
        return int(text)
    if name == "capacity":
        raise ValueError(f"--capacity must be a whole number or none, not {text!r}")
    if name in _LISTS and text != "all":
        names = [each.strip() for each in text.split(",") if each.strip()]
        if not names:  # a variable that is not set must not mean that nothing is judged
            raise ValueError(f"{_flag(name)} names nothing: leave it out, or give names with commas between them")
        return names
    return text


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"
