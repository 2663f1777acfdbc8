from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.cli.support import AT_ONCE

from vmss_emulator import Emulator


@pytest.fixture
def azure() -> Iterator[Emulator]:
    with Emulator({"scale_sets": {"*": AT_ONCE}}) as emulator:
        yield emulator
