"""The processes of a Pulumi run, found in /proc; where there is none, nothing is found."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from tests.waiting import until


def provider_below(cli: int) -> int | None:
    """The process that serves dynamic resources to a CLI."""
    # The shell script that starts it names the module, too: what runs it is Python.
    return _first(cli, b"python", b"\0pulumi.dynamic\0")


def program_below(cli: int) -> int | None:
    """The process of the user's program."""
    return _first(cli, b"python", b"pulumi-language-python-exec\0", b"\0--monitor")


def stand_in_below(cli: int) -> int | None:
    """The process of the stand-in for azure-native."""
    return _first(cli, b"python", b"vmss_emulator.pulumi_plugin")


def plugins_below(cli: int) -> list[int]:
    """The processes of the plugin that serves gates to every language: one a provider, and one for a YAML program."""
    return [pid for pid, command in _below(cli) if b"pulumi_vmss_health.plugin.server" in command]


def descendants(pid: int) -> dict[int, str]:
    """All processes below one, with their command lines."""
    return {each: command.replace(b"\0", b" ").decode() for each, command in _below(pid)}


def is_running(pid: int) -> bool:
    """Whether a process runs still; one that ended and was not asked for its exit code does not."""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except OSError:
        return False


def wait_for_the_end(*pids: int) -> None:
    """Wait until providers whose engine is gone have ended themselves, which they do within 5 seconds."""
    until(lambda: [pid for pid in pids if is_running(pid)], lambda living: not living, seconds=5)


def resident_mib(pid: int) -> float:
    """Memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _first(cli: int, *words: bytes) -> int | None:
    return next((pid for pid, command in _below(cli) if all(word in command for word in words)), None)


def _below(ancestor: int) -> Iterator[tuple[int, bytes]]:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
            if command and ancestor in _ancestors(int(folder.name)):
                yield int(folder.name), command
        except OSError:
            continue  # it ended meanwhile


def _ancestors(pid: int) -> Iterator[int]:
    while pid > 1:
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        yield pid
