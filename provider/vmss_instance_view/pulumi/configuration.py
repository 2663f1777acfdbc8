"""Find the Azure of a stack from the configuration that the engine gives a provider."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from vmss_instance_view.azure.settings import Settings
from vmss_instance_view.clock import SystemClock
from vmss_instance_view.pulumi.pools import STOP
from vmss_instance_view.pulumi.process import quietly

if TYPE_CHECKING:
    from pulumi.dynamic import ConfigureRequest

    from vmss_instance_view.connection import Azure


def azure_of(request: ConfigureRequest) -> Callable[[], Azure]:
    """Return a function that gives the Azure of the configuration that the engine gave a provider. Does no I/O.

    It imports the HTTP client when it is called: a run that finds nothing to do reads nothing, and the client is a
    quarter of what its provider's process would import.
    """
    settings = Settings(os.environ, _configured(request))

    def azure() -> Azure:
        from vmss_instance_view.connection import shared_azure

        return shared_azure(settings, SystemClock(STOP))

    return azure


def _configured(request: ConfigureRequest) -> Callable[[str], object]:
    """Return a lookup of any package's configuration key, such as "azure-native:clientId"; None if Pulumi has none."""
    return lambda key: quietly("reading another package's configuration", lambda: request.config.get(key))
