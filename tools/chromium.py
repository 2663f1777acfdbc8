"""Open a page in a headless Chromium: what it makes of it, what it complains of and asks for, how it looks."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
"""Where it is; None where there is none."""

AXE = Path(__file__).parents[1] / ".clients" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
"""The accessibility checker, where `make axe` put it."""

_OWN = "not an origin"  # who asks for what Chromium itself wants, such as updates
_CONSOLE = re.compile(r"CONSOLE:\d+\] (.*)")
_FLAGS = (
    "--headless=new",
    "--no-sandbox",  # in a container there is none; what is opened is this project's own
    "--disable-gpu",
    "--hide-scrollbars",
    "--no-first-run",
    "--disable-background-networking",
    "--proxy-server=127.0.0.1:9",  # nothing answers there, so that nothing is loaded, and nothing leaves
    "--proxy-bypass-list=<-loopback>",
    "--enable-logging=stderr",
    "--virtual-time-budget=5000",
)


@dataclass(frozen=True)
class Visit:
    """What came of it. dom: as HTML. console: its lines. requests: URLs that the page asked for."""

    dom: str
    console: list[str]
    requests: list[str]


def visit(
    page: Path, *, width: int = 1000, height: int = 900, dark: bool = False, picture: Path | None = None
) -> Visit:
    """Open a file. picture: where a PNG of it goes."""
    if CHROMIUM is None:
        raise FileNotFoundError("there is no chromium on PATH")
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as folder:
        log = Path(folder, "net.json")
        flags = [
            *_FLAGS,
            f"--user-data-dir={folder}",
            f"--log-net-log={log}",
            f"--window-size={width},{height}",
            f"--blink-settings=preferredColorScheme={0 if dark else 1}",
            *([f"--screenshot={picture}"] if picture else []),
        ]
        command = [CHROMIUM, *flags, "--dump-dom", page.resolve().as_uri()]
        ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
        net = json.loads(log.read_text())
    started = net["constants"]["logEventTypes"]["URL_REQUEST_START_JOB"]
    asked = [each["params"] for each in net["events"] if each["type"] == started and "url" in each.get("params", {})]
    requests = [each["url"] for each in asked if each.get("initiator") != _OWN and not each["url"].startswith("file:")]
    return Visit(ran.stdout, _CONSOLE.findall(ran.stderr), requests)
