"""The command `vmss-emulator`: an offline Azure for a shell, and for one command."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from vmss_emulator import Emulator, TimelineError, detours, isolation, processes

_NOT_FOUND, _NOT_EXECUTABLE = 127, 126
_CURL = 'curl --cacert "$SSL_CERT_FILE" -H "Authorization: Bearer $VMSS_EMULATOR_TOKEN"'


_ISOLATION = (
    "Run a command, such as `pulumi up`, with an emulator of its own, a Pulumi backend that is thrown away and a "
    "stand-in for the azure-native plugin. Of the environment it inherits only what is harmless, such as PATH, HOME, "
    "locale, terminal, proxies and Python's variables."
)
_NO_SANDBOX = (
    "This is no sandbox: the command can read HOME and all your files, with the credentials in them, and reach the "
    "network and every other service. Where a stack of the project in this folder names another metadata host, nothing "
    "is run."
)


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see --help)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        azure = Emulator(options.timeline, port=options.port)
    except (TimelineError, OSError) as error:
        parser.error(f"--timeline {options.timeline}: {error}")
    try:
        return int(options.run(parser, azure, options))
    except OSError as error:
        parser.error(str(error))
    except KeyboardInterrupt:  # before there was a command that could hear it
        return 130


def _parser() -> _Parser:
    parser = _Parser(prog="vmss-emulator", description="An offline Azure for VM scale sets, on 127.0.0.1.")
    commands = parser.add_subparsers(required=True, metavar="{serve,exec}")

    serve = commands.add_parser("serve", help="run until Ctrl-C, saying how to reach it")
    serve.set_defaults(run=_serve)
    serve.add_argument("--port", type=int, default=0, help="listen here (default: a free port)")

    run = commands.add_parser(
        "exec",
        help="run a command, such as `pulumi up`, with credentials and a Pulumi backend for it alone",
        description=_ISOLATION,
        epilog=_NO_SANDBOX,
    )
    run.set_defaults(run=_exec, port=0)
    run.add_argument("--requests", type=Path, metavar="FILE", help="write all requests there at the end, as JSON lines")
    run.add_argument("--state", type=Path, metavar="DIR", help="keep Pulumi's backend there (default: removed)")
    run.add_argument("--backend", metavar="URL", help="let Pulumi use this backend; only with --throw-away")
    run.add_argument("--throw-away", action="store_true", help="the backend of --backend may be written to")
    run.add_argument(
        "--env", action="append", default=[], metavar="NAME", help="pass this variable on, too (may be repeated)"
    )
    run.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND ...", help="what to run")

    for command in (serve, run):
        command.add_argument("--timeline", type=Path, metavar="FILE", help="what happens when (YAML)")
    return parser


def _serve(_: _Parser, azure: Emulator, options: argparse.Namespace) -> int:
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with azure:
        print(f"# Azure: {azure.url}")
        print(f"# its certificate authority: {azure.ca_file}")
        print("# another timeline, and all requests so far; the token keeps other users of this machine out:")
        print(f"#   {_CURL} -T FILE $VMSS_EMULATOR_URL/emulator/timeline")
        print(f"#   {_CURL} $VMSS_EMULATOR_URL/emulator/requests")
        for variable, value in azure.environment.items():
            print(f"export {variable}={shlex.quote(value)}")
        sys.stdout.flush()
        ended.wait()
    return 0


def _exec(parser: _Parser, azure: Emulator, options: argparse.Namespace) -> int:
    command = options.command[options.command[:1] == ["--"] :]
    if not command:
        parser.error("exec: a command is needed after --, such as `vmss-emulator exec -- pulumi up`")
    if options.backend and not options.throw_away:
        parser.error(
            f"exec: {options.backend} is refused: what is deployed here is not real and would be written into its "
            "state; add --throw-away if that state may be lost"
        )
    if options.backend and options.state:
        parser.error("exec: --state and --backend exclude each other")
    with azure, isolation.workspace(options.state, options.backend) as place:
        if detour := detours.find(Path.cwd(), azure.environment["ARM_METADATA_HOSTNAME"]):
            parser.error(f"exec: {detour}")
        try:
            environment = isolation.environment(os.environ, azure.environment, place, options.env)
        except ValueError as error:
            parser.error(f"exec: --env: {error}")
        try:
            return _run(command, environment)
        finally:
            if options.requests is not None:
                lines = (json.dumps(request.to_json()) + "\n" for request in azure.requests)
                options.requests.write_text("".join(lines), encoding="utf-8")


def _run(command: list[str], environment: dict[str, str]) -> int:
    try:
        return processes.run(command, environment)
    except FileNotFoundError:
        print(f"vmss-emulator: {command[0]}: command not found", file=sys.stderr)
        return _NOT_FOUND
    except PermissionError:
        print(f"vmss-emulator: {command[0]}: cannot be executed", file=sys.stderr)
        return _NOT_EXECUTABLE


if __name__ == "__main__":
    sys.exit(main())
