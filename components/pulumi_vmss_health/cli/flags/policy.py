"""Every field of the policy, as a flag, and in a file."""

from __future__ import annotations

import argparse
import dataclasses
import json
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pulumi_vmss_health.cli.console.signals import ending_at_once
from pulumi_vmss_health.cli.flags.values import filled, flag_of
from pulumi_vmss_health.judging.policy import CHOICES, GatePolicy
from vmss_instance_view.keys import stored_key
from vmss_instance_view.text import clean

_LISTS = ("extensions", "ignore_extensions", "ignore_failure_codes")
_COUNTS = ("min_healthy", "min_healthy_per_zone", "capacity")
_OPTIONAL = ("min_healthy_per_zone", "capacity", "confirm_failure")
_FIELDS = tuple(each.name for each in dataclasses.fields(GatePolicy))


def add_policy(parser: argparse.ArgumentParser) -> None:
    """Add a flag for each field of the policy, described by its docstring."""
    group = parser.add_argument_group("policy", "what is required; see docs/policy.md")
    group.add_argument("--policy", metavar="FILE", type=filled, help="a JSON file with these fields; flags win over it")
    told = GatePolicy.descriptions()
    for name in _FIELDS:
        metavar = "WORD" if name in CHOICES else "A,B" if name in _LISTS else "VALUE"
        text = told[name].replace("%", "%%")
        dest = f"policy_{name}"
        group.add_argument(flag_of(name), dest=dest, metavar=metavar, choices=CHOICES.get(name), help=text)


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
        message = re.sub(rf"^{name}\b|(?<![\w-]){name}(?= \(| and | both )", flag_of(name), message)
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
            raise ValueError(f"{flag_of(name)} names nothing: leave it out, or give names with commas between them")
        return names
    return text
