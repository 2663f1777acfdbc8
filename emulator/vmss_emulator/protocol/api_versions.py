"""Which api-versions there are: Azure refuses those that are malformed, that never were, and that are not yet."""

from __future__ import annotations

import re
from datetime import date

from vmss_emulator.protocol.arm_path import ArmPath
from vmss_emulator.protocol.errors import ArmError

_FORM = re.compile(r"(\d{4}-\d\d-\d\d)(?:-[a-z]+)?")
# Those of scale sets, as the SDKs list them; newer ones than the last are let in, for SDKs know them before this does.
_SCALE_SETS = (
    *("2015-06-15", "2016-03-30", "2016-04-30-preview", "2017-03-30", "2017-12-01", "2018-04-01", "2018-06-01"),
    *("2018-10-01", "2019-03-01", "2019-07-01", "2019-12-01", "2020-06-01", "2020-12-01", "2021-03-01", "2021-04-01"),
    *("2021-07-01", "2021-11-01", "2022-03-01", "2022-08-01", "2022-11-01", "2023-03-01", "2023-07-01", "2023-09-01"),
    *("2024-03-01", "2024-07-01", "2024-11-01", "2025-04-01", "2025-11-01", "2026-03-01", "2026-04-01"),
)
_OLDEST = "2014-04-01"  # of anything that clients still ask for, such as Insights
_BEYOND = "2030"


def check(version: str | None, path: ArmPath) -> None:
    """Refuse an api-version that Azure does not have for what the path names.

    Raises:
        ArmError: 400, in Azure's words.
    """
    if not version:
        message = "The api-version query parameter (?api-version=) is required for all requests."
        raise ArmError(400, "MissingApiVersionParameter", message, gateway=True)
    if not _is_date(version):
        message = f"The api-version '{version}' is invalid. An api-version is a date such as '{_SCALE_SETS[-1]}'."
        raise ArmError(400, "InvalidApiVersionParameter", message, gateway=True)
    of_scale_sets = path.kind.lower().startswith("microsoft.compute/virtualmachinescalesets")
    if _is_known(version, of_scale_sets=of_scale_sets):
        return
    if path.provider is None:
        message = f"The api-version '{version}' is invalid. The supported versions are dates from {_OLDEST} on."
        raise ArmError(400, "InvalidApiVersionParameter", message, gateway=True)
    supported = ", ".join(_SCALE_SETS) if of_scale_sets else f"dates from {_OLDEST} on"
    message = (
        f"No registered resource provider found for API version '{version}' for type '{'/'.join(path.parts[::2])}'. "
        f"The supported api-versions are '{supported}'."
    )
    raise ArmError(400, "NoRegisteredProviderFound", message, gateway=True)


def _is_date(version: str) -> bool:
    match = _FORM.fullmatch(version)
    try:
        return match is not None and bool(date.fromisoformat(match[1]))
    except ValueError:
        return False


def _is_known(version: str, *, of_scale_sets: bool) -> bool:
    if of_scale_sets:
        return version in _SCALE_SETS or _SCALE_SETS[-1] < version < _BEYOND
    return _OLDEST <= version < _BEYOND
