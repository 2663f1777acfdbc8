from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from vmss_emulator import Emulator
from vmss_instance_view.model import InstanceView

AT_ONCE = {"boot": "0s", "extension": "0s", "healthy": "0s"}


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """An offline Azure where machines boot at once, trusted by this process, and no identity but what a test gives."""
    with Emulator({"scale_sets": {"*": AT_ONCE}}, page_size=2) as emulator:
        trust(emulator, monkeypatch)
        yield emulator


def vms(view: InstanceView) -> int:
    """How many VMs a view counts, whatever their state."""
    return sum(each.count for each in view.virtual_machine.statuses_summary)


def trust(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process trust an emulator's certificate, and forget every Azure credential that it may have."""
    for name in os.environ:
        if name.startswith(("ARM_", "AZURE_", "IDENTITY_", "MSI_", "ACTIONS_")):
            monkeypatch.delenv(name)
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, emulator.environment[name])
