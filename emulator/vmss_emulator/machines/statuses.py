"""Statuses in Azure's JSON: what every body here is made of.

Codes are `Group/state` or `Group/state/detail`; the label beside them is for people, and Azure localises it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from vmss_emulator.machines.looks import Status
from vmss_emulator.machines.models import Body
from vmss_emulator.moments import stamp

# Where Azure's label is not the state's name.
_LABELS = {
    "succeeded": "Provisioning succeeded",
    "failed": "Provisioning failed",
    "healthy": "The VM is reporting itself as healthy",
    "unhealthy": "The VM is reporting itself as unhealthy or is unreachable",
}
_ERRORS = frozenset({"failed", "unhealthy"})


def status(group: str, found: Status, *, label: str | None = None) -> dict[str, Any]:
    """Return one status, such as that of the group ProvisioningState."""
    body = {
        "code": f"{group}/{found.code}",
        "level": "Error" if found.word in _ERRORS else "Info",
        "displayStatus": label or _LABELS.get(found.word, found.word.capitalize()),
        "time": stamp(found.since),
    }
    if found.message:
        body["message"] = found.message
    if group == "PowerState":
        del body["time"]  # Azure gives none
    return body


def summary(words: Iterable[str]) -> list[Body]:
    """Return how many are in which state, without details, as recorded summaries are."""
    return [{"code": f"ProvisioningState/{word}", "count": count} for word, count in Counter(words).items()]
