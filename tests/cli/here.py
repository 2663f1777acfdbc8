"""The command within a test's own process, which keeps its own signals.

To start a process takes ten times as long as most commands. What only one of its own shows (signals, pipes, terminals,
disks) is tested on one.
"""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from subprocess import CompletedProcess
from unittest.mock import patch

from pulumi_vmss_health.cli.main import main


def run_here(*arguments: str) -> int:
    """Return the exit code. Raises SystemExit as argparse does."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        return main(arguments)
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


def ran_here(environ: Mapping[str, str], *arguments: str | Path, text: str = "") -> CompletedProcess[str]:
    """Run the command to its end, as a process with these variables. text: what it can read from standard input."""
    words = [*map(str, arguments)]
    encoding = environ.get("PYTHONIOENCODING", "utf-8")
    stdin = io.TextIOWrapper(io.BytesIO(text.encode()))
    stdout, stderr = (io.TextIOWrapper(io.BytesIO(), encoding) for _ in range(2))
    with patch.dict(os.environ, environ, clear=True), patch.multiple(sys, stdin=stdin, stdout=stdout, stderr=stderr):
        try:
            code = run_here(*words)
        except SystemExit as ended:
            code = int(ended.code or 0)
    printed, told = (each.detach().getvalue().decode(encoding) for each in (stdout, stderr))
    return CompletedProcess(words, code, printed, told)
