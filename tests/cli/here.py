"""The command within a test's own process, which keeps its own signals."""

from __future__ import annotations

import signal

from pulumi_vmss_health.cli.main import main


def run_here(*arguments: str) -> int:
    """Return the exit code. Raises SystemExit as argparse does."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        return main(arguments)
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
