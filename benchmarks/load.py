"""How the emulator bears a crowd: 500 sets of 10 instances, read over TLS by 100 connections as fast as they can.

The emulator runs in a process of its own, as `vmss-emulator serve`. Each connection asks for the instance view of one
set and for the expanded list of the next, again and again; the time of an answer is that until its last byte is there.
Both share the machine, so the figures are those of a busy one.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import shlex
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from statistics import quantiles
from urllib.parse import urlencode, urlsplit

from tests.emulator.support import VERSION, scale_set_body

SETS, INSTANCES, CONNECTIONS, SECONDS = 500, 10, 100, 60.0
SEED = 20261126
READS = ("/instanceView?", "/virtualMachines?%24expand=instanceView&")


@dataclass
class Seen:
    """What the connections saw: the time of each answer by what was asked for, and what was no right answer."""

    times: dict[str, list[float]] = field(default_factory=lambda: {read: [] for read in READS})
    wrong: list[str] = field(default_factory=list)


class Client:
    """One connection to the emulator that a process told how to reach."""

    def __init__(self, told: Mapping[str, str], token: str = "") -> None:
        place = urlsplit(told["VMSS_EMULATOR_URL"])
        tls = ssl.create_default_context(cafile=told["SSL_CERT_FILE"])
        self._connection = http.client.HTTPSConnection(str(place.hostname), place.port, context=tls, timeout=60)
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def ask(self, method: str, path: str, body: str | None = None, kind: str = "application/json") -> tuple[int, bytes]:
        """Ask, and read all of the answer."""
        self._connection.request(method, path, body, {**self._headers, "Content-Type": kind})
        answer = self._connection.getresponse()
        return answer.status, answer.read()

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


def started() -> tuple[subprocess.Popen[str], dict[str, str]]:
    """An emulator in a process and a group of its own, and the variables that it told."""
    command = [sys.executable, "-m", "vmss_emulator.cli", "serve", "--timeline", "healthy"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)  # noqa: S603 - ourselves
    told: dict[str, str] = {}
    for line in process.stdout or ():
        words = shlex.split(line)
        if words[:1] == ["export"]:
            name, _, value = words[1].partition("=")
            told[name] = value
        elif "managed identity" in line:
            break
    return process, told


def signed_in(told: Mapping[str, str]) -> str:
    """An access token."""
    form = {
        "grant_type": "client_credentials",
        "client_id": told["ARM_CLIENT_ID"],
        "client_secret": told["ARM_CLIENT_SECRET"],
        "scope": f"{told['VMSS_EMULATOR_URL']}/.default",
    }
    client = Client(told)
    path = f"/{told['ARM_TENANT_ID']}/oauth2/v2.0/token"
    _, body = client.ask("POST", path, urlencode(form), "application/x-www-form-urlencoded")
    client.close()
    return str(json.loads(body)["access_token"])


def populated(told: Mapping[str, str], token: str) -> list[str]:
    """The paths of all sets, which are made here."""
    client = Client(told, token)
    group = f"/subscriptions/{told['ARM_SUBSCRIPTION_ID']}/resourceGroups/load"
    sets = f"{group}/providers/Microsoft.Compute/virtualMachineScaleSets"
    paths = [f"{sets}/web{number}" for number in range(SETS)]
    body = json.dumps(scale_set_body(INSTANCES, extensions=("app",), health=True))
    asked = [(group, '{"location": "westeurope"}'), *((path, body) for path in paths)]
    for path, wanted in asked:
        status, answer = client.ask("PUT", f"{path}?api-version={VERSION}", wanted)
        if status != 201:
            raise RuntimeError(f"PUT {path}: 201 is wanted, {status} came: {answer.decode()[:300]}")
    client.close()
    return paths


def read(told: Mapping[str, str], token: str, paths: Iterator[str], end: float, seen: Seen) -> None:
    """Read one set after the other until the end."""
    client = Client(told, token)
    while time.monotonic() < end:
        for kind in READS:
            path = f"{next(paths)}{kind}api-version={VERSION}"
            began = time.perf_counter()
            try:
                status, body = client.ask("GET", path)
            except (OSError, http.client.HTTPException) as error:
                seen.wrong.append(f"{path}: {error!r}")
                return
            seen.times[kind].append(time.perf_counter() - began)
            if status != 200 or instances(json.loads(body)) != INSTANCES:
                seen.wrong.append(f"{path}: {status} {body.decode()[:200]}")
    client.close()


def instances(body: Mapping[str, object]) -> int:
    """How many instances an answer is about."""
    match body:
        case {"value": list(listed)}:
            return len(listed)
        case {"virtualMachine": {"statusesSummary": list(summary)}}:
            return sum(int(one["count"]) for one in summary)
    return 0


def drawn(paths: list[str], number: int) -> Iterator[str]:
    """The sets that one connection reads."""
    draw = random.Random(SEED + number)  # noqa: S311 - no secret
    while True:
        yield draw.choice(paths)


@dataclass(frozen=True)
class End:
    """How the emulator ended: its exit code, the most memory (MB) and all time of a processor that it took (s)."""

    code: int
    megabytes: int
    processor: float
    left_a_process: bool


def ended(process: subprocess.Popen[str]) -> End:
    """Stop the emulator."""
    process.send_signal(signal.SIGTERM)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        left = False
    else:
        left = True
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return End(process.returncode, usage.ru_maxrss // unit, usage.ru_utime + usage.ru_stime, left)


def main() -> None:
    """Print the table."""
    process, told = started()
    try:
        token = signed_in(told)
        began = time.perf_counter()
        paths = populated(told, token)
        print(f"{SETS} sets of {INSTANCES} instances, made in {time.perf_counter() - began:.1f} s")
        seen, end = Seen(), time.monotonic() + SECONDS
        crowd = [
            threading.Thread(target=read, args=(told, token, drawn(paths, number), end, seen))
            for number in range(CONNECTIONS)
        ]
        for each in crowd:
            each.start()
        for each in crowd:
            each.join()
    finally:
        began = time.perf_counter()
        end_of_it = ended(process)
        took = time.perf_counter() - began
    print(f"{CONNECTIONS} connections, {SECONDS:.0f} s\n{'':40} {'answers':>8} {'each s':>8} {'p50':>8} {'p99':>8}")
    for kind, times in seen.times.items():
        cuts = quantiles(times, n=100)
        name = "view" if kind == READS[0] else "list with the views of the instances"
        shown = f"{cuts[49] * 1000:6.0f}ms {cuts[98] * 1000:6.0f}ms"
        print(f"{name:40} {len(times):8} {len(times) / SECONDS:8.0f} {shown}")
    print(f"wrong answers: {len(seen.wrong)}", *seen.wrong[:3], sep="\n  ")
    answers = sum(map(len, seen.times.values()))
    cost = f"{end_of_it.processor / answers * 1000:.1f} ms of a processor for each answer"
    print(f"the emulator took {end_of_it.megabytes} MB at most, and {cost}, all else included")
    behind = "a process" if end_of_it.left_a_process else "no process"
    print(f"it ended {took:.2f} s after SIGTERM with exit code {end_of_it.code}, and left {behind} behind")


if __name__ == "__main__":
    main()
