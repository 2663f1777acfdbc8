"""For all tests: which are left out, which stay together, which begin, and whom they trust."""

from __future__ import annotations

import gc
import signal
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import certifi
import pytest
from tests.recorded import RECORDED
from tools.chromium import AXE, CHROMIUM
from tools.hosts import TYPESCRIPT

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.scheduler import LoadScopeScheduling

# What a shell runs in the background ignores SIGINT, and so does all that it starts. By it Pulumi ends its plugins, and
# it would wait five seconds for each.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Modules whose tests share what takes long to make: a whole life on the engine, a wheel in an environment of its own.
TOGETHER = (
    "tests/census/test_bodies.py",
    "tests/emulator/test_distribution.py",
    "tests/emulator/test_engine.py",
    "tests/engine/test_install.py",
)

# Modules in which a test takes minutes: they begin, or the run would end with one process that finishes them alone.
FIRST = ("tests/gate/test_histories.py", "tests/fleets/test_fleet_watch.py")

# What a mark asks for, whether it is here, and what is left out where it is not: said once, instead of a skip for each.
NEEDED = {
    "recorded": (RECORDED.exists(), f"bodies that Azure really sent, which are no part of the repository ({RECORDED})"),
    "browser": (bool(CHROMIUM), "a page in a browser: there is no chromium on PATH"),
    "compiled": ((TYPESCRIPT / "stamp").exists(), "programs in TypeScript and Go (`make languages`)"),
    "axe": (bool(CHROMIUM) and AXE.exists(), "an accessibility checker on that page (`make axe`)"),
}
MISSING = {mark: what for mark, (is_here, what) in NEEDED.items() if not is_here}


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep the garbage collector from what lasts until the end: it looked through thousands of tests again and again.

    That took a tenth of all processor time.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


def pytest_report_header() -> list[str]:
    return [f"left out: tests of {what}" for what in MISSING.values()]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = [item for item in items if any(map(item.get_closest_marker, MISSING))]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    items.sort(key=lambda item: not item.nodeid.startswith(FIRST))


@pytest.hookimpl(optionalhook=True)  # xdist's own
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """By name, since pytest 9.2 has no node id to which xdist's `loadgroup` could add a group."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            module = nodeid.partition("::")[0]
            return module if module in TOGETHER else nodeid

    return Scheduling(config, log)


@pytest.fixture(scope="session", autouse=True)
def _trust_one_authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Trust one authority, beside which the emulator puts its own: each client would else read 140, in 0.06 s."""
    first, end, _ = Path(certifi.where()).read_text(encoding="utf-8").partition("-----END CERTIFICATE-----\n")
    file = tmp_path_factory.mktemp("trust") / "authority.pem"
    file.write_text(first + end, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REQUESTS_CA_BUNDLE", str(file))
        patch.setenv("SSL_CERT_FILE", str(file))
        yield
