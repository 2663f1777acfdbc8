"""The pictures of the documents, made by `make pictures` of what really happened on the offline Azure.

`make demo` and `make demo-broken` run in a terminal whose screen is drawn; a wait that fails leaves its evidence, of
which `vmss-health report` makes a picture and, in a headless Chromium, screenshots of the page.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tools.chromium import CHROMIUM, visit
from tools.terminal import Line, Screen, drawn, run

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "pictures"
LARGEST = 300_000
"""Bytes of a picture, at most."""

COLUMNS = 124  # of the terminal: Pulumi shows all that a gate says on its row
UP = "$ pulumi up"
DISK_FULL = "Enable failed: exit status=1 [stderr] mkdir: cannot create directory '/srv/app': No space left on device"
# Ten machines that come in groups, of which two cannot install their application; once Azure is too busy to answer.
LIFE: dict[str, Any] = {
    "boot": "2s",
    "extension": "4s",
    "events": [
        {"at": "0s", "health": "initializing"},
        {"at": "0s", "instances": [3, 4, 5, 6, 7, 8, 9], "state": "creating"},
        {"at": "9s", "instances": [3, 4, 5], "state": "succeeded"},
        {"at": "15s", "instances": [6, 7, 8, 9], "state": "succeeded"},
        {"at": "17s", "instances": [0, 1, 2], "health": "healthy"},
        {"at": "21s", "instances": [3, 4], "health": "healthy"},
        {"at": "22s", "instances": [8], "extension": "app", "state": "failed/1", "message": DISK_FULL},
        {"at": "25s", "instances": [5, 6, 8, 9], "health": "healthy"},
        {"at": "29s", "instances": [9], "extension": "app", "state": "failed/1", "message": DISK_FULL},
        {"at": "33s", "instances": [7], "health": "healthy"},
    ],
}
BUSY = {"match": "GET */virtualMachines", "after": 5, "times": 1, "status": 429, "retry_after": 3}
POLICY = ("--min-healthy", "90%", "--confirm-failure", "25s", "--timeout", "10m")


def main() -> int:
    """Make all pictures; the exit code."""
    FOLDER.mkdir(exist_ok=True)
    at_work = frames("demo", lambda text: "appHealth 0/3" in text)
    put("gate.svg", drawn(at_work, "pulumi up: the gate holds what depends on it"))
    failure = frames("broken", lambda text: "No space left on device" in text and "Resources:" in text)
    put("failure.svg", drawn(failure, "pulumi up: the gate gives up early, with the cause"))
    with tempfile.TemporaryDirectory(prefix="vmss-pictures-") as folder:
        evidence = Path(folder, "evidence.json")
        record(evidence)
        command("report", evidence, "-o", FOLDER / "report.svg")
        command("report", evidence, "-o", Path(folder, "report.html"))
        screenshots(Path(folder, "report.html"))
    too_large = [each.name for each in FOLDER.iterdir() if each.stat().st_size > LARGEST]
    if too_large:
        print(f"pictures: larger than {LARGEST:,} bytes: {', '.join(too_large)}", file=sys.stderr)
    return int(bool(too_large))


def frames(which: str, is_wanted: Callable[[str], bool]) -> list[Line]:
    """Run a demonstration; return what the last wanted screen showed of the latest `pulumi up`."""
    print(f"pictures: a demonstration runs ({which}, two to four minutes)", flush=True)
    found: list[Line] = []
    for screen in run([sys.executable, "-m", "tools.demo", which], os.environ, COLUMNS):
        lines = latest_up(screen)
        if is_wanted("\n".join("".join(letter for letter, _ in line) for line in lines)):
            found = [list(line) for line in lines]
    if not found:
        raise SystemExit(f"pictures: the demonstration ({which}) never showed what is to be drawn")
    return trimmed(found)


def latest_up(screen: Screen) -> list[Line]:
    """What is on the screen of the latest `pulumi up`: its command, and its update without the preview."""
    texts = screen.texts
    begin = max((index for index, text in enumerate(texts) if text.startswith(UP)), default=len(texts))
    update = next((index for index, text in enumerate(texts) if index > begin and text.startswith("Updating")), None)
    if update is None:
        return []
    end = next((index for index, text in enumerate(texts) if index > update and text.startswith("(exit code")), None)
    return [screen.lines[begin], *screen.lines[update:end]]


def trimmed(lines: Sequence[Line]) -> list[Line]:
    """Without the empty lines at the end."""
    texts = ["".join(letter for letter, _ in line).strip() for line in lines]
    last = max(index for index, text in enumerate(texts) if text)
    return list(lines[: last + 1])


def record(evidence: Path) -> None:
    """Wait for a set that fails, and keep the evidence."""
    from vmss_emulator import Emulator

    print("pictures: a wait for ten machines, of which two fail (a minute)", flush=True)
    with Emulator({"scale_sets": {"web": LIFE}, "faults": [BUSY]}) as azure:
        zones = ("1", "2", "3")
        id_ = azure.put_scale_set("web", capacity=10, extensions=["app"], health=True, zones=zones)
        command("wait", id_, "--evidence", evidence, "--quiet", *POLICY, expect=1, **azure.environment)


def command(*arguments: str | Path, expect: int = 0, **environment: str) -> None:
    """Run `vmss-health`; what it prints is not wanted here."""
    given = [sys.executable, "-m", "pulumi_vmss_health.cli", *map(str, arguments)]
    ran = subprocess.run(given, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    if ran.returncode != expect:
        raise SystemExit(f"pictures: {arguments[0]} ended with {ran.returncode}: {ran.stdout}{ran.stderr}")


def screenshots(page: Path) -> None:
    """Take the page as it is in light, in the dark, and on a phone."""
    if CHROMIUM is None:
        print("pictures: left out: screenshots of the report; there is no chromium on PATH", file=sys.stderr)
        return
    visit(page, width=1000, height=1280, picture=FOLDER / "report-light.png")
    visit(page, width=1000, height=1280, dark=True, picture=FOLDER / "report-dark.png")
    visit(page, width=400, height=1280, picture=FOLDER / "report-phone.png")


def put(name: str, picture: str) -> None:
    """Write a picture."""
    (FOLDER / name).write_text(picture + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
