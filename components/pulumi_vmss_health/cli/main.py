"""`vmss-health`: look at a scale set, or wait until it is healthy. Results go to stdout, progress to stderr."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Sequence
from typing import NoReturn

from pulumi_vmss_health.cli import explain, plugin, view, wait
from pulumi_vmss_health.cli.exits import Exit
from pulumi_vmss_health.cli.printing import progress
from pulumi_vmss_health.version import __version__
from vmss_instance_view.clock import Stop, Stopped, SystemClock
from vmss_instance_view.errors import InstanceViewError

_CODES = "exit codes: 0 healthy, 1 not healthy, 2 wrong usage, 3 could not be read, 4 timed out, 130 interrupted"
_SIGN_IN = "Signs in as azure-native does: the ARM_* variables, else the az CLI."


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong."""

    def error(self, message: str) -> NoReturn:
        self.exit(Exit.USAGE, f"{self.prog}: {message} (see --help)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return its exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    stop = Stop()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    of_command: _Parser = options.parser
    try:
        return int(options.run(options, SystemClock(stop)))
    except (ValueError, TypeError) as error:  # among them an id, a cloud or a credential that cannot be
        of_command.error(str(error))
    except InstanceViewError as error:
        progress(f"vmss-health: {error}")
        return Exit.UNREADABLE
    except Stopped:
        return Exit.INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="vmss-health", description="The health of Azure VM scale sets.", epilog=_CODES)
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(required=True, metavar="{view,wait,explain,plugin}")
    for name, command, text in (
        ("view", view, "show the instance view"),
        ("wait", wait, "wait until scale sets are healthy, or say why they are not"),
        ("explain", explain, "judge saved answers of Azure, without asking it"),
        ("plugin", plugin, "install the gate for Pulumi programs in other languages"),
    ):
        told = f"{text.capitalize()}. {_SIGN_IN if command in (view, wait) else ''}"
        of_command = commands.add_parser(name, help=text, description=told, epilog=_CODES)
        command.offer(of_command)
        of_command.set_defaults(run=command.run, parser=of_command)
    return parser
