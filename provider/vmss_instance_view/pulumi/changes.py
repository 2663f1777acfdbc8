"""What changes beside a scale set, as triggers: a text for each resource that differs when anything of it does."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

import pulumi


def changes_of(resources: Sequence[pulumi.Resource]) -> list[pulumi.Output[str]]:
    """For each resource a text that changes when any of its properties does: a trigger.

    Raises TypeError, naming `changed_by`, for anything but a list of resources.
    """
    is_list = isinstance(resources, Sequence) and not isinstance(resources, (str, bytes))
    wrong = [each for each in resources if not isinstance(each, pulumi.Resource)] if is_list else [resources]
    if wrong:
        kind = type(wrong[0]).__name__
        raise TypeError(f"changed_by must be a list of resources, such as [app], not {kind}")
    return [_fingerprint(each) for each in resources]


def _fingerprint(resource: pulumi.Resource) -> pulumi.Output[str]:
    """The resource's name and a hash of what Pulumi knows of it; a secret where any of that is one.

    A hash: the properties themselves would be in the state twice. Inputs that Azure does not give back, such as
    protected settings, are properties, too.
    """
    properties = {
        name: value
        for name, value in vars(resource).items()
        if isinstance(value, pulumi.Output) and not name.startswith("_") and name != "urn"
    }

    def text(known: Mapping[str, Any]) -> str:
        told = {name: value for name, value in known.items() if value is not None}  # a newer SDK may know more of them
        # vars: of an asset, what it was made of.
        written = json.dumps(told, sort_keys=True, default=vars).encode()
        return f"{resource.pulumi_resource_name} {hashlib.sha256(written).hexdigest()[:16]}"

    # Pulumi's typing of Output.all knows no mapping.
    return cast("pulumi.Output[str]", pulumi.Output.all(**properties).apply(text))
