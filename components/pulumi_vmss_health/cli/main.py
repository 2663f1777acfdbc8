"""`vmss-health`: look at a scale set, or wait until it is healthy. Results go to stdout, progress to stderr."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Collection, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from importlib import import_module
from typing import Any, NoReturn

from pulumi_vmss_health.cli.console.signals import end_by, ending_at_once
from pulumi_vmss_health.cli.exits import Exit
from pulumi_vmss_health.cli.printing import Unprinted, open_streams, progress
from pulumi_vmss_health.version import __version__
from vmss_instance_view.clock import Stop, Stopped, SystemClock
from vmss_instance_view.errors import InstanceViewError

_SIGN_IN = "Signs in as azure-native does: the ARM_* variables, else the az CLI."

_COMMANDS = {
    "view": ("view", "show the instance view"),
    "wait": ("wait", "wait until scale sets are healthy, or say why they are not"),
    "explain": ("explain", "judge saved answers of Azure, without asking it"),
    "capture": ("capture", "keep every answer of Azure, masked, in a folder"),
    "replay": ("replay", "judge what a wait saw (its --evidence) by another policy, without asking Azure"),
    "report": ("report", "draw a wait from its evidence, as a page or as a picture"),
    "completion": ("console.completion", "print what lets bash, zsh or fish complete commands and flags"),
    "plugin": ("plugin", "install the gate for Pulumi programs in other languages"),
}
"""Each command by its name: its module, which is imported when it is asked for, and what it does."""
_JUDGED = {Exit.HEALTHY: "healthy", Exit.NOT_HEALTHY: "not healthy"}
_WAITED = {**_JUDGED, Exit.UNREADABLE: "could not be read", Exit.TIMED_OUT: "timed out"}
_UNPRINTED = {Exit.UNREADABLE: "could not be printed"}
_EXITS = {
    "view": {Exit.HEALTHY: "shown", Exit.UNREADABLE: "could not be read or printed"},
    "wait": _WAITED,
    "explain": {**_JUDGED, **_UNPRINTED},
    "capture": {Exit.HEALTHY: "kept", Exit.UNREADABLE: "could not be read or written"},
    "replay": _WAITED,
    "report": {Exit.HEALTHY: "drawn", **_UNPRINTED},
    "completion": {Exit.HEALTHY: "printed", **_UNPRINTED},
    "plugin": {Exit.HEALTHY: "done", **_UNPRINTED},
}
"""What the exit codes mean of each command; wrong usage and an interrupt are the same of all."""
_SIGNING_IN = ("view", "wait", "capture")
_ASKING_NOBODY = ("explain", "replay", "report", "completion")  # and what they write, they write at one blow


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - argparse's own
        """Take no flag that is not written out: a new one could change what the beginning of another means."""
        super().__init__(**options, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        self.exit(Exit.USAGE, f"{self.prog}: {message} (see {self.prog} --help)\n")

    def refuse_first(self, word: str) -> None:
        """Refuse a flag of a command where the command itself has to stand: its value is taken for the command."""
        flag = word.partition("=")[0]
        if flag.startswith("-") and flag not in self._option_string_actions:
            self.error(f"{flag} stands before the command: it goes behind it, as in {self.prog} COMMAND {flag}")

    def refuse(self, unknown: str) -> NoReturn:
        """Say that there is no such argument, and which one is meant."""
        flag = unknown.partition("=")[0]
        if flag in self._option_string_actions:
            self.error(f"{flag} stands before the command: it goes behind it, as in {self.prog} {flag}")
        near = difflib.get_close_matches(flag, self._option_string_actions, 1) if flag.startswith("-") else []
        self.error(" ".join([f"there is no place for {flag!r}", *(f"(did you mean {each}?)" for each in near)]))


class _Command(_Parser):
    """Takes flags also between words of one list: `wait ID --timeout 5m ID`."""

    _is_mixing = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:  # noqa: ANN401 - argparse's own
        """Parse as argparse does. What mixes calls this again, in some versions of Python."""
        if self._is_mixing:
            return super().parse_known_args(args, namespace)
        self._is_mixing = True
        return self.parse_known_intermixed_args(args, namespace)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return its exit code."""
    open_streams()
    stop = Stop()
    end_by(stop)
    try:
        with ending_at_once():  # it also imports what the command needs
            options = _options(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    of_command: _Parser = options.parser
    try:
        with ending_at_once() if options.command in _ASKING_NOBODY else nullcontext():
            return int(options.run(options, SystemClock(stop)))
    except (ValueError, TypeError) as error:  # among them an id, a cloud or a credential that cannot be
        of_command.error(str(error))
    except InstanceViewError as error:
        progress(f"vmss-health: {error}")
        return Exit.UNREADABLE
    except Unprinted as error:
        progress(f"vmss-health: standard output cannot be written: {error.strerror}")
        return Exit.UNREADABLE
    except OSError as error:
        of_command.error(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except (Stopped, KeyboardInterrupt):
        return Exit.INTERRUPTED


def _options(given: Sequence[str]) -> argparse.Namespace:
    """Return the command that is asked for, as `run`, with its options. Exits where they are wrong."""
    asked = next((each for each in given if not each.startswith("-")), "")
    parser = _parser(_COMMANDS if asked == "completion" else [asked])
    if asked and asked not in _COMMANDS:
        parser.refuse_first(given[0])
    options, unknown = parser.parse_known_args(given)
    if options.command is None:
        parser.error(f"a command is missing: {', '.join(_COMMANDS)}")
    if unknown:
        options.parser.refuse(unknown[0])
    return options


def _codes(meanings: Mapping[Exit, str]) -> str:
    """Return the end of a help: each exit code with its meaning."""
    of_all = {**meanings, Exit.USAGE: "wrong usage", Exit.INTERRUPTED: "interrupted"}
    return "exit codes: " + ", ".join(f"{code} {meaning}" for code, meaning in sorted(of_all.items()))


def _parser(asked: Collection[str] = tuple(_COMMANDS)) -> _Parser:
    """Return the parser of all commands. asked: those that have their flags: to import all takes longer than a look."""
    parser = _Parser(
        prog="vmss-health",
        description="The health of Azure VM scale sets.",
        epilog=_codes(_WAITED),
        formatter_class=partial(argparse.HelpFormatter, max_help_position=18),
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.set_defaults(root=parser)
    commands = parser.add_subparsers(dest="command", title="commands", metavar="COMMAND", parser_class=_Command)
    for name, (module, text) in _COMMANDS.items():
        told = f"{text[0].upper()}{text[1:]}. {_SIGN_IN if name in _SIGNING_IN else ''}"
        of_command = commands.add_parser(name, help=text, description=told, epilog=_codes(_EXITS[name]))
        if name in asked:
            command: Any = import_module(f"pulumi_vmss_health.cli.{module}")
            command.offer(of_command)
            of_command.set_defaults(run=command.run, parser=of_command)
    return parser
