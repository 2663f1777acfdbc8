"""What to do next, by the code of a failure. A failed VM may run well: never advise to delete one. Pure."""

from __future__ import annotations

import re

AGENT = "see whether the VM agent runs, and whether the VM has outbound network access"
"""What to do where the agent of a VM does not answer."""

_EXTENSION = "see the extension's log on the VM, mend its settings, then update the VM"
_REPEAT = "repeat the operation: the last one on the VM failed, the VM itself may be well"
_NO_ROOM = "Azure has no room for such VMs here now: repeat later, or choose another size or zone"

# The first that fits a code's detail.
_BY_CODE = tuple(
    (re.compile(pattern, re.IGNORECASE), hint)
    for pattern, hint in (
        (r"VMExtension.*", _EXTENSION),
        (r"VMAgent.*", AGENT),
        (r"OSProvisioning.*TimedOut", "see its boot diagnostics, and be patient; an image without agent never answers"),
        (r"OSProvisioning.*", "see its boot diagnostics: the operating system did not come up as Azure expects"),
        (r"VMStopped.*|.*Subscription.*", "see the subscription: Azure stops VMs of one that is disabled or unpaid"),
        (r".*Allocat.*|SkuNotAvailable|.*Overconstrained.*", _NO_ROOM),
        (r".*Quota.*", "ask for more quota in this region, or for fewer cores"),
        (r".*KeyVault.*", "see whether the VMs may read their secrets and certificates from the key vault"),
        (r"Networking.*|.*Internal\w*Error|.*Conflict.*|.*Retryable.*|.*TimedOut|.*Timeout", _REPEAT),
    )
)
_ANY = "see the failed operation in the scale set's activity log, then repeat it"
_CANCELED = "repeat the operation that was canceled"


def after(state: str, detail: str) -> str:
    """The next thing to do after a failure. state: "failed" or "canceled"; detail: the rest of its code."""
    for pattern, hint in _BY_CODE:
        if pattern.fullmatch(detail):
            return hint
    return _CANCELED if state.startswith("cancel") else _ANY
