"""The beginning of the process, in words where Pulumi's SDK is missing: the emulator itself does without it."""

from __future__ import annotations

import sys


def main() -> None:
    """Serve the engine that started this process, or say what to install."""
    try:
        from vmss_emulator.pulumi_plugin import server
    except ImportError as error:
        sys.exit(
            f"vmss-emulator: the stand-in for azure-native cannot start: {error}. It needs Pulumi's Python SDK beside "
            f"the emulator, whatever language the program is in: {sys.executable} -m pip install pulumi requests"
        )
    server.main()
