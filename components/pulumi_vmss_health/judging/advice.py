"""Advice on what to do next, by the code of a failure. Pure.

Never advise to delete a VM: one whose provisioning failed may still serve.
"""

from __future__ import annotations

import re

AGENT = "check that the VM agent runs and that the VM has outbound network access"
"""The advice for a VM whose agent does not answer."""

UNREAD = "look at the VM in the portal: Azure shows its scale set, but not the instance view of this VM"
"""The advice for a VM whose own instance view cannot be read."""

REBALANCES = "zone rebalancing is on: Azure adds VMs before it removes others"
"""What Azure does of its own accord about VMs that are spread unevenly over the zones of a set."""

DEFERRED = "OS upgrades of this set wait for approval (osRollingUpgradeDeferral): approve the upgrade"
"""What holds back an upgrade of a set whose model defers it."""

_EXTENSION = "check the extension's log on the VM, correct its settings, then update the VM"
_REPEAT = "repeat the operation: it failed, but the VM itself may be healthy"
_NO_ROOM = "Azure has no capacity for this VM size here now: try again later, or choose another size or zone"

# The first that fits a code's detail.
_BY_CODE = tuple(
    (re.compile(pattern, re.IGNORECASE), hint)
    for pattern, hint in (
        (r"VMExtension.*", _EXTENSION),
        (r"VMAgent.*", AGENT),
        (
            r"OSProvisioning.*TimedOut",
            "check the boot diagnostics; the VM may still come up, but an image without a VM agent never reports",
        ),
        (r"OSProvisioning.*", "check the boot diagnostics: the operating system did not start as Azure expects"),
        (r"VMStopped.*|.*Subscription.*", "check the subscription: Azure stops the VMs of a disabled or unpaid one"),
        (r".*Allocat.*|SkuNotAvailable|.*Overconstrained.*", _NO_ROOM),
        (r".*Quota.*", "request more quota in this region, or use fewer cores"),
        (r".*KeyVault.*", "check that the VMs may read their secrets and certificates from the key vault"),
        (r"Networking.*|.*Internal\w*Error|.*Conflict.*|.*Retryable.*|.*TimedOut|.*Timeout", _REPEAT),
    )
)
_ANY = "look up the failed operation in the scale set's activity log, then repeat it"
_CANCELED = "repeat the operation that was canceled"


def after(state: str, detail: str) -> str:
    """Return the advice for a failure. state: "failed" or "canceled"; detail: the rest of its code."""
    for pattern, hint in _BY_CODE:
        if pattern.fullmatch(detail):
            return hint
    return _CANCELED if state.startswith("cancel") else _ANY
