"""The instance view for Python: read now, in a program or without one."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from vmss_instance_view.azure.settings import Settings
from vmss_instance_view.clock import SystemClock
from vmss_instance_view.model import InstanceView
from vmss_instance_view.reading.retry import READ_TIMEOUT, read_with_retry
from vmss_instance_view.scale_set_id import ScaleSetId
from vmss_instance_view.viewing import one_reader

if TYPE_CHECKING:
    import pulumi

    from vmss_instance_view.pulumi.arguments import ScaleSetInput


def get_instance_view(scale_set: str | ScaleSetId) -> InstanceView:
    """Read the instance view of a scale set, now. Tries again for a minute while Azure is unavailable.

    scale_set: its ARM id. Cloud and credential: as the stack's azure-native provider has them (its configuration
        inside of a Pulumi program, else the ARM_* variables, else the az CLI). On a thread that an inline program
        starts itself, Pulumi has no configuration: make the call in `contextvars.copy_context().run`, with a copy of
        the program's own context.
    Raises InvalidScaleSetId, CredentialError, ScaleSetNotFound, … : all are InstanceViewError.
    """
    from vmss_instance_view.connection import shared_azure

    scale_set = scale_set if isinstance(scale_set, ScaleSetId) else ScaleSetId.parse(scale_set)
    # A copy: what is shared with later reads must not follow the variables when they change.
    azure = shared_azure(Settings(dict(os.environ), _configuration()), SystemClock())
    reader = one_reader(azure, scale_set)
    return read_with_retry(lambda deadline: reader(deadline).view(deadline), READ_TIMEOUT, azure.clock)


def get_instance_view_output(scale_set: ScaleSetInput) -> pulumi.Output[InstanceView]:
    """Do the same inside of a program, for an id that may be an Output; the program's event loop goes on meanwhile.

    Like azure-native's functions it reads in preview, too, where the id is known, and then shows the view before the
    update. Unknown ids stay unknown. Errors as `get_instance_view`.
    """
    import asyncio  # half the time that importing this package takes

    import pulumi

    from vmss_instance_view.pulumi.arguments import scale_set_id

    async def read(known: str) -> InstanceView:
        return await asyncio.to_thread(get_instance_view, known)

    return pulumi.Output.from_input(scale_set_id(scale_set)).apply(read)


def _configuration() -> Callable[[str], object]:
    """Return the stack's configuration; outside of a Pulumi program, which has imported pulumi, there is none."""
    program = sys.modules.get("pulumi")
    return program.runtime.get_config if program else lambda _key: None
