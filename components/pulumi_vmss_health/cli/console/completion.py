"""`vmss-health completion`: prints what lets a shell complete commands and flags, made from the parser's own tree."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from pulumi_vmss_health.cli.exits import Exit
from pulumi_vmss_health.cli.printing import result
from vmss_instance_view.clock import Clock

SHELLS = ("bash", "zsh", "fish")
_PATHS = {"FILE": "file", "EVIDENCE": "file", "DIR": "directory"}  # by the metavar of an argument


def offer(parser: argparse.ArgumentParser) -> None:
    """Add the argument of the command."""
    parser.add_argument("shell", choices=SHELLS, help="the shell that is to complete")


def run(options: argparse.Namespace, _clock: Clock) -> Exit:
    """Print the script. Raises ValueError if what makes it is not installed."""
    try:
        import shtab
    except ImportError:
        raise ValueError("completion needs the package shtab: pip install 'pulumi-vmss-health[cli]'") from None
    for parser in _tree(options.root):
        for action in parser._actions:
            if action.metavar in _PATHS:
                action.complete = getattr(shtab, _PATHS[action.metavar].upper())  # type: ignore[attr-defined]
    result(shtab.complete(options.root, shell=options.shell))
    return Exit.HEALTHY


def _tree(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for each in action.choices.values():
                yield from _tree(each)
