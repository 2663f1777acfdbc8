"""Choose the api-version to ask a cloud in: the one with the most data that the cloud serves.

2026-04-01, which azure-mgmt-compute 39 asks in, also tells what services of Azure do to a set (from 2025-04-01 on), of
lifecycle hooks (2025-11-01) and of health from elsewhere (`externalHealthPolicy`). No body in it was recorded: its
places are those of the SDK's models (docs/fields.md). 2024-11-01 is what azure-native itself uses and what sovereign
clouds have.

Source of the refusals, on github.com/Azure: azure-sdk-for-python#32029 (NoRegisteredProviderFound, with the versions
that there are), azure-sdk-for-go#18567 (InvalidResourceType, 404), azure-cli#23985 (sovereign clouds lack the latest),
azure-cli#28496 (a version that is served is refused at times).
"""

from __future__ import annotations

import threading

API_VERSIONS = ("2026-04-01", "2024-11-01")
"""The best one first."""


def is_refused(code: str) -> bool:
    """Whether an error code of Azure means that it does not serve the version, such as InvalidApiVersionParameter."""
    return code in ("InvalidResourceType", "NoRegisteredProviderFound") or "apiversion" in code.lower()


class ApiVersion:
    """The version that one cloud is asked in, shared by all who read it. Safe for many threads.

    is_served: whether the cloud answered in it, or in a better one, once.
    """

    def __init__(self) -> None:
        """Begin with the best one."""
        self.is_served = False
        self._place = 0
        self._falling = threading.Lock()

    @property
    def current(self) -> str:
        """The version to ask in."""
        return API_VERSIONS[self._place]

    def fall_back(self, refused: str) -> bool:
        """Record that a version is refused; return whether there is another one to ask in."""
        with self._falling:
            if refused != self.current:
                return True
            if self._place + 1 == len(API_VERSIONS):
                return False
            self._place += 1
            return True
