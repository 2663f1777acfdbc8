"""Run by the project's own Python, which has the SDK: let the SDK install a version of the CLI into a folder."""

from __future__ import annotations

import socket
import subprocess
import sys

from pulumi.automation import PulumiCommand
from semver import VersionInfo

SILENCE = 20.0
"""Seconds without an answer after which the site counts as out of reach; the SDK alone would wait for minutes."""


def main(folder: str, version: str) -> str | None:
    """Install; the text returned says why that failed, after the installer's own output."""
    socket.setdefaulttimeout(SILENCE)
    try:
        PulumiCommand.install(root=folder, version=VersionInfo.parse(version))
    except subprocess.CalledProcessError as failed:
        print(failed.output.decode(errors="replace").rstrip())
        return f"the installer ended with exit code {failed.returncode}"
    except OSError as failed:
        return f"the installer cannot be fetched: {failed}"
    return None


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
