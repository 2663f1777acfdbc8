from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from tests.emulator.commands import ENGINE
from tests.emulator.support import QUICK, ArmSession

from vmss_emulator import Emulator


@pytest.fixture
def azure() -> Iterator[Emulator]:
    with Emulator(QUICK) as emulator:
        yield emulator


@pytest.fixture
def arm(azure: Emulator) -> Iterator[ArmSession]:
    session = ArmSession(azure)
    yield session
    session.close()


@pytest.fixture(scope="session")
def engine() -> None:
    """Skip what needs Pulumi, or the SDK of azure-native, where there is none."""
    if shutil.which("pulumi", path=ENGINE["PATH"]) is None:
        pytest.skip("no Pulumi CLI: neither on PATH nor in .toolchain/bin (`make setup` brings one)")
    pytest.importorskip("pulumi_azure_native", reason="the extra azure-native is not installed")
