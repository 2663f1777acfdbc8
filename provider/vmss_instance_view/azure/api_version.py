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

API_VERSIONS = ("2026-04-01", "2024-11-01")
"""The best one first."""


def is_refused(code: str) -> bool:
    """Return whether an error code means that Azure does not serve the version, such as InvalidApiVersionParameter."""
    return code in ("InvalidResourceType", "NoRegisteredProviderFound") or "apiversion" in code.lower()


class ApiVersion:
    """The version in which the reads of one cloud begin, shared by all who read it. Safe for many threads.

    is_served: whether the cloud answered in any version.
    """

    def __init__(self) -> None:
        """Begin with the best one."""
        self.first: str = API_VERSIONS[0]
        self.is_served: bool = False

    def older(self, refused: str) -> str | None:
        """Return the next version after one that was refused, if there is one.

        Where the cloud did not answer before, all begin with it from now on; else it is a region that lacks a version.
        """
        place = API_VERSIONS.index(refused) + 1
        if place == len(API_VERSIONS):
            return None
        if not self.is_served:
            self.first = API_VERSIONS[place]
        return API_VERSIONS[place]
