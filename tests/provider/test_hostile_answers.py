"""One hostile answer costs little: every body here is sent over real TLS to a process whose time and memory count."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.provider.servers import TlsServer

from vmss_emulator import Emulator

CPU = 2.0  # seconds
MEMORY = 150  # MiB in all; Python with everything that a read imports has a third of it
PART = 1 << 20

# Reads what it is told to from a host, and tells what that took.
READ = """
import json, resource, sys, time
from vmss_instance_view.connection import Azure, Connection
from vmss_instance_view.clock import Deadline, SystemClock
from vmss_instance_view.azure.cloud import Cloud
from vmss_instance_view.errors import InstanceViewError
from vmss_instance_view.scale_set_id import ScaleSetId
from vmss_instance_view.azure.settings import Settings
from vmss_instance_view.azure.wire import Https

class Tokens:
    def token(self, deadline): return "token"
    def refused(self, token, claims): pass

url, what, seconds = sys.argv[1:]
clock = SystemClock()
cloud = Cloud(url, url, url)
azure = Azure(Settings({}), clock, Connection(cloud, Https(), Tokens()))
group = "/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg"
reader = azure.reader(ScaleSetId.parse(group + "/providers/Microsoft.Compute/virtualMachineScaleSets/web"))
began = time.process_time()
try:
    getattr(reader, what)(Deadline(float(seconds), clock))
    said = "read"
except InstanceViewError as error:
    said = f"{type(error).__name__}: {error}"
if sys.platform == "linux":  # where ru_maxrss begins with what the parent had
    used = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) >> 10
else:
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 20
print(json.dumps([time.process_time() - began, used, said]))
"""


@dataclass(frozen=True)
class Hostile:
    """A body: a head, a unit as often as it fits, a tail. said: what the read says, as far as a test knows."""

    what: str
    head: str
    unit: str | Callable[[int], str]
    tail: str
    megabytes: float
    said: str
    status: int = 200

    def parts(self) -> Iterator[bytes]:
        yield f"HTTP/1.1 {self.status} Sent\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n".encode()
        yield self.head.encode()
        left, number = int(self.megabytes * 2**20), 0
        first = ""
        while left > 0:
            part = []
            size = 0
            while size < min(left, PART):
                unit = self.unit if isinstance(self.unit, str) else self.unit(number)
                part.append(first + unit)
                size += len(part[-1])
                number, first = number + 1, ","
            yield "".join(part).encode()
            left -= size
        yield self.tail.encode()


VIEW = '{"value":[{"properties":{"instanceView":'  # of the only instance


def text(number: int) -> str:
    return f'"{number:x}"'


def key(number: int) -> str:
    return f'"{number:x}":1'


def extension(number: int) -> str:
    return '{"name":' + text(number) + ',"statuses":[{}]}'


BODIES = {
    "statuses": Hostile("view", '{"statuses":[', "{}", "]}", 9, "objects and lists are in it"),
    "statuses that are read": Hostile("view", '{"statuses":[', "{}", "]}", 0.42, "read"),
    "instances": Hostile("instances", '{"value":[', "{}", "]}", 9, "objects and lists are in it"),
    "instances that are counted": Hostile("instances", '{"value":[', "{}", "]}", 0.4, "more than 5,000 instances"),
    "the same instance": Hostile("instances", '{"value":[', '{"instanceId":"0"}', "]}", 2, "more than 5,000 instances"),
    "statuses of an instance": Hostile("instances", VIEW + '{"statuses":[', "{}", "]}}}]}", 0.42, "read"),
    "extensions of an instance": Hostile(
        "instances",
        VIEW + '{"extensions":[',
        extension,
        "]}}}]}",
        1.4,
        "read",
    ),
    "lists": Hostile("view", '{"a":[', "[]", "]}", 9, "objects and lists are in it"),
    "keys": Hostile("view", "{", key, "}", 9, "quotation marks are in it"),
    "keys that are counted": Hostile("view", "{", key, "}", 4.2, "more than 10,000 keys"),
    "texts that are read": Hostile("view", '{"a":[', text, "]}", 3.2, "read"),
    "numbers": Hostile("view", '{"a":[', "1.5", "]}", 9, "elements are in it"),
    "numbers that are read": Hostile("view", '{"a":[', "1.5", "]}", 2.7, "read"),
    "one large text": Hostile("view", '{"a":"\N{GRINNING FACE}', "x" * 1000, '"}', 9.9, "read"),
    "one large number": Hostile("view", '{"a":', "9" * 1000, "}", 9, "elements|not JSON"),
    "nesting": Hostile("view", "[" * 100_000, "[" * 100_000, "", 0.2, "objects and lists|nested too deeply"),
    "too many bytes": Hostile("view", '{"a":"', "x" * 1000, '"}', 31, "larger than 10 MiB"),
    "a refusal with an object for a message": Hostile(
        "view", '{"error":{"message":{', key, "}}}", 31, "Forbidden", 403
    ),
    "a refusal of 31 MB": Hostile("view", '{"error":{"message":"', "x" * 1000, '"}}', 31, "Forbidden", 403),
}


# Each is read in a process of its own: one of each kind of limit is enough for `make test`.
FURTHER = pytest.mark.rest
VARIANTS = (
    "statuses that are read",
    "instances",
    "the same instance",
    "statuses of an instance",
    "lists",
    "keys",
    "numbers",
    "numbers that are read",
    "one large text",
    "a refusal with an object for a message",
)


def read(server: TlsServer, what: str, seconds: float = 30) -> tuple[float, int, str]:
    """CPU seconds, MiB at the peak, and what came of it."""
    command = [sys.executable, "-c", READ, server.url, what, str(seconds)]
    ran = subprocess.run(command, env=os.environ, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stderr
    cpu, memory, said = json.loads(ran.stdout)
    return cpu, memory, said


@pytest.mark.parametrize("name", [pytest.param(name, marks=FURTHER if name in VARIANTS else ()) for name in BODIES])
def test_one_hostile_answer_costs_little_time_and_memory(
    azure: Emulator, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = BODIES[name]
    with TlsServer(body.parts) as server:
        server.trust(azure, tmp_path, monkeypatch)
        cpu, memory, said = read(server, body.what)
    print(f"{name}: {cpu:.2f} s, {memory} MiB, {said[:160]}")
    assert re.search(body.said, said)
    assert cpu < CPU
    assert memory < MEMORY
