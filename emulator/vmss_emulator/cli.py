"""The command `vmss-emulator`: an offline Azure for a shell, and for one command."""

from __future__ import annotations

import _thread
import argparse
import json
import os
import shlex
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import NoReturn

from vmss_emulator import Emulator, Timeline, TimelineError
from vmss_emulator.durations import parse_duration
from vmss_emulator.running import az_login, detours, isolation, processes
from vmss_emulator.running.kept import KeptError
from vmss_emulator.script import library
from vmss_emulator.script.captured import CaptureError
from vmss_emulator.script.timeline_text import from_file, positions

_NOT_FOUND, _NOT_EXECUTABLE = 127, 126
_PULUMI = "https://www.pulumi.com/docs/install/"
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


def _version() -> str:
    try:
        return metadata.version("vmss-emulator")
    except metadata.PackageNotFoundError:  # run from its source
        return "(not installed)"


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see --help)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        return int(options.run(parser, options))
    except BrokenPipeError:  # nobody reads any more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        parser.error(f"{error.filename}: {error.strerror}" if error.filename else error.strerror or str(error))
    except KeyboardInterrupt:  # before there was a command that could hear it
        return 130


def _parser() -> _Parser:
    parser = _Parser(prog="vmss-emulator", description="An offline Azure for VM scale sets, on 127.0.0.1.")
    commands = parser.add_subparsers(required=True, metavar="{serve,exec,check,timelines}")
    parser.add_argument("--version", action="version", version=f"%(prog)s {_version()}")
    _offer_serve(commands.add_parser("serve", help="run until Ctrl-C, and print how to reach it"))
    _offer_exec(
        commands.add_parser(
            "exec",
            help="run a command, such as `pulumi up`, with credentials and a Pulumi backend for it alone",
            description=_ISOLATION,
            epilog=_NO_SANDBOX,
        )
    )
    _offer_check(commands.add_parser("check", help="check timelines, and print every mistake with its line"))
    _offer_timelines(commands.add_parser("timelines", help="list the ready timelines, or print one"))
    return parser


def _offer_emulator(command: argparse.ArgumentParser) -> None:
    """The options of every command that has an emulator."""
    command.add_argument(
        "--timeline",
        type=Path,
        metavar="FILE",
        help="a YAML file that says what happens when, or the name of a ready timeline",
    )
    command.add_argument(
        "--capture",
        type=Path,
        metavar="DIR",
        help="answer what a folder of `vmss-health capture` holds, at the same times, and nothing else",
    )
    command.add_argument("--quota", action="store_true", help="answer 429 where Azure documents a limit")
    command.add_argument(
        "--quota-headers",
        action="store_true",
        help="the same, and also send what is left of Compute's limits in headers",
    )
    command.add_argument(
        "--token-lifetime",
        type=_duration,
        default=3600.0,
        metavar="TIME",
        help="how long a token is valid (default: 1h)",
    )
    command.add_argument(
        "--page-size", type=_positive, default=200, metavar="N", help="instances on a page of a list (default: 200)"
    )
    command.add_argument(
        "--latency", type=_duration, default=0.0, metavar="TIME", help="delay before each answer (default: 0s)"
    )


def _duration(text: str) -> float:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _positive(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of 1 to 1000")
    return int(text)


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: 0 (a free one) to 65535")
    return int(text)


def _emulator(parser: _Parser, options: argparse.Namespace) -> Emulator:
    if options.timeline and options.capture:
        parser.error("--timeline and --capture exclude each other: a capture says itself what happens when")
    try:
        return Emulator(
            _timeline(options.timeline),
            port=options.port,
            token_lifetime=options.token_lifetime,
            page_size=options.page_size,
            quota={"headers": True} if options.quota_headers else options.quota,
            latency=options.latency,
            capture=options.capture,
        )
    except CaptureError as error:
        parser.error(f"--capture {error}")
    except TimelineError as error:
        more = f" (and {len(error.others)} more: see `vmss-emulator check`)" if error.others else ""
        parser.error(f"--timeline {options.timeline}: {error}{more}")
    except FileNotFoundError:
        missing = "there is no such file, and no ready timeline of this name (`vmss-emulator timelines` lists them)"
        parser.error(f"--timeline {options.timeline}: {missing}")
    except OSError as error:
        parser.error(f"--timeline {options.timeline}: {error.strerror}")


def _timeline(named: Path | None) -> Path | str | None:
    """Return a file; where there is none, the ready timeline of that name."""
    ready = named is not None and not named.exists() and str(named) in library.names()
    return library.text(str(named)) if ready else named


def _offer_serve(command: argparse.ArgumentParser) -> None:
    command.set_defaults(run=_serve)
    command.add_argument("--port", type=_port, default=0, help="listen here (default: a free port)")
    _offer_emulator(command)


def _serve(parser: _Parser, options: argparse.Namespace) -> int:
    azure = _emulator(parser, options)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        # On a thread of its own: the signal may have interrupted whoever holds the lock that `set` needs.
        signal.signal(number, lambda *_: _thread.start_new_thread(ended.set, ()))
    with azure:
        print(f"# Azure: {azure.url}")
        print(f"# its certificate authority: {azure.ca_file}")
        print("# another timeline, and all requests so far; the token keeps other users of this machine out:")
        print(f"#   {_CURL} -T FILE $VMSS_EMULATOR_URL/emulator/timeline")
        print(f"#   {_CURL} $VMSS_EMULATOR_URL/emulator/requests")
        for variable, value in azure.environment.items():
            print(f"export {variable}={shlex.quote(value)}")
        print("# a managed identity instead: take these, and unset ARM_CLIENT_ID and ARM_CLIENT_SECRET")
        for variable, value in azure.managed_identity_environment.items():
            if variable not in azure.environment:
                print(f"# export {variable}={shlex.quote(value)}")
        print(f"# export AZURE_POD_IDENTITY_AUTHORITY_HOST={shlex.quote(azure.identity_url)}  # as a VM has it")
        sys.stdout.flush()
        ended.wait()
    return 0


def _offer_exec(command: argparse.ArgumentParser) -> None:
    command.set_defaults(run=_exec, port=0)
    command.add_argument(
        "--requests", type=Path, metavar="FILE", help="write all requests to this file at the end, as JSON lines"
    )
    command.add_argument(
        "--state",
        type=Path,
        metavar="DIR",
        help="keep Pulumi's backend and the offline Azure in this folder (default: remove them)",
    )
    command.add_argument("--backend", metavar="URL", help="let Pulumi use this backend; only with --throw-away")
    command.add_argument("--throw-away", action="store_true", help="allow to write to the backend of --backend")
    command.add_argument(
        "--env", action="append", default=[], metavar="NAME", help="pass this variable on, too (may be repeated)"
    )
    command.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND ...", help="what to run")
    _offer_emulator(command)


def _exec(parser: _Parser, options: argparse.Namespace) -> int:
    if options.state and options.capture:
        parser.error("exec: --state and --capture exclude each other: nothing that is captured can change")
    azure = _emulator(parser, options)
    command = options.command[options.command[:1] == ["--"] :]
    if not command:
        parser.error("exec: a command is needed after --, such as `vmss-emulator exec -- bash`")
    if options.backend and not options.throw_away:
        parser.error(
            f"exec: {options.backend} is refused: what is deployed here is not real and would be written into its "
            "state; add --throw-away if that state may be lost"
        )
    if options.backend and options.state:
        parser.error("exec: --state and --backend exclude each other")
    kept = None if options.state is None else options.state / "azure.json"
    if kept is not None and kept.exists():
        try:
            azure.restore(kept)
        except KeptError as error:
            parser.error(f"exec: --state: {error}")
    with azure, isolation.workspace(options.state, options.backend) as place:
        if detour := detours.find(Path.cwd(), azure.environment["ARM_METADATA_HOSTNAME"]):
            parser.error(f"exec: {detour}")
        try:
            environment = isolation.environment(os.environ, azure.environment, place, options.env)
        except ValueError as error:
            parser.error(f"exec: --env: {error}")
        if options.requests is not None and (said := _unwritable(options.requests)):
            parser.error(f"exec: --requests {options.requests}: {said}")
        az_login.write(
            Path(environment["AZURE_CONFIG_DIR"]),
            azure.url,
            azure.tenant_id,
            azure.subscription_id,
            azure.client_id,
            azure.client_secret,
        )
        try:
            code = _run(command, environment)
        finally:
            if kept is not None:
                azure.save(kept)
            for told in _idle(azure):
                print(f"vmss-emulator: {told}", file=sys.stderr)
            written = options.requests is None or _write_requests(azure, options.requests)
        return code or (0 if written else 2)


def _unwritable(file: Path) -> str | None:
    """Say why a file cannot be written, without a trace of having tried; None: it seems that it can."""
    try:
        if file.is_dir():
            return "it is a folder; name a file"
        if not file.parent.is_dir():
            return f"there is no folder {file.parent}"
        return None if os.access(file if file.exists() else file.parent, os.W_OK) else "it cannot be written"
    except OSError as error:
        return str(error.strerror)


def _write_requests(azure: Emulator, file: Path) -> bool:
    """Write all requests, and return whether that worked."""
    lines = (json.dumps(request.to_json()) + "\n" for request in azure.requests)
    try:
        file.write_text("".join(lines), encoding="utf-8")
    except OSError as error:
        print(f"vmss-emulator: exec: --requests {file}: {error.strerror}", file=sys.stderr)
        return False
    return True


def _idle(azure: Emulator) -> Iterator[str]:
    """Say which entries of the timeline matched no set, and which sets there were; which faults matched no request."""
    if azure.idle_entries:
        names = f"the scale sets were {', '.join(azure.scale_sets)}"
        were = names if azure.scale_sets else "there was no scale set at all"
        named = ", ".join(f"`{name}`" for name in azure.idle_entries)
        yield f"the timeline names {named}, but no scale set had that name; {were}"
    if azure.idle_faults and azure.requests:  # else they had no chance
        yield f"no request matched the timeline's {', '.join(azure.idle_faults)}; paths are compared with their case"


def _run(command: list[str], environment: dict[str, str]) -> int:
    try:
        return processes.run(command, environment)
    except FileNotFoundError:
        hint = f"; see {_PULUMI} for how to install it" if command[0] == "pulumi" else ""
        print(f"vmss-emulator: {command[0]}: command not found{hint}", file=sys.stderr)
        return _NOT_FOUND
    except PermissionError:
        print(f"vmss-emulator: {command[0]}: cannot be executed", file=sys.stderr)
        return _NOT_EXECUTABLE


def _offer_check(command: argparse.ArgumentParser) -> None:
    command.set_defaults(run=_check)
    command.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a timeline (YAML)")


def _check(_: _Parser, options: argparse.Namespace) -> int:
    """Print every mistake of each file with its line; return the exit code."""
    codes = [_checked(file) for file in options.files]
    return max(codes)


def _checked(file: Path) -> int:
    try:
        Timeline.load(file)
    except TimelineError as error:
        _tell_mistakes(file, [error, *error.others])
        return 1
    except OSError as error:
        print(f"{file}: {error.strerror}")
        return 1
    print(f"{file}: no mistakes")
    return 0


def _tell_mistakes(file: Path, mistakes: Sequence[TimelineError]) -> None:
    """One a line, in the order of the file; first what is about no line of it."""
    for mistake in mistakes:
        if not mistake.where:
            print(f"{file}: {mistake}")
    placed = [mistake for mistake in mistakes if mistake.where]
    places = positions(from_file(file), [mistake.where for mistake in placed]) if placed else []
    for (line, _), mistake in sorted(zip(places, placed, strict=True), key=lambda pair: pair[0]):
        print(f"{file}:{line}: {mistake}")


def _offer_timelines(command: argparse.ArgumentParser) -> None:
    command.set_defaults(run=_timelines)
    command.add_argument("name", nargs="?", metavar="NAME", help="print this one")
    command.add_argument("--schema", action="store_true", help="print the JSON Schema of timelines, for editors")


def _timelines(parser: _Parser, options: argparse.Namespace) -> int:
    if options.schema:
        print(library.schema(), end="")
    elif options.name is None:
        width = max(map(len, library.names()))
        for name in library.names():
            print(f"{name.ljust(width)}  {library.summary(name)}")
    else:
        try:
            print(library.text(options.name), end="")
        except LookupError as error:
            parser.error(f"timelines: {error.args[0]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
