from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.engine.projects import TOOLCHAIN, Project

from vmss_emulator import Emulator


@pytest.fixture
def azure() -> Iterator[Emulator]:
    """An offline Azure where machines boot at once."""
    with Emulator({"scale_sets": {"*": {"boot": "0s", "extension": "0s", "healthy": "0s"}}}) as emulator:
        yield emulator


@pytest.fixture
def project(tmp_path: Path, azure: Emulator) -> Iterator[Project]:
    """An empty project on that Azure."""
    if not (TOOLCHAIN / "pulumi").exists() and shutil.which("pulumi") is None:
        pytest.skip("there is no Pulumi CLI: run `make setup`, which gets or builds one")
    project = Project(tmp_path, azure)
    yield project
    project.close()
