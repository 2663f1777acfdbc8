from __future__ import annotations

from collections.abc import Iterator

import pytest
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
