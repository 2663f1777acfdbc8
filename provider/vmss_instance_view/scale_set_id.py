"""The ARM id of a scale set: taken apart, checked, compared without case as Azure does."""

from __future__ import annotations

import re
from dataclasses import dataclass

from vmss_instance_view.errors import InvalidScaleSetId
from vmss_instance_view.text import clean

_FORM = (
    "/subscriptions/{subscription}/resourceGroups/{resource group}"
    "/providers/Microsoft.Compute/virtualMachineScaleSets/{scale set}"
)
_FIXED = _FORM.lower().split("/")
# Resource group and scale set names: letters, digits, and these; what else a URL could hold would change the path.
_NAME = re.compile(r"[\w.()\-]+")


@dataclass(frozen=True, slots=True, eq=False)
class ScaleSetId:
    """One scale set. Two ids that differ in case alone are the same set; `str()` gives the ARM id."""

    subscription_id: str
    resource_group: str
    name: str

    @classmethod
    def parse(cls, text: object) -> ScaleSetId:
        """Take an ARM id apart.

        Raises InvalidScaleSetId (a ValueError) that says which part is wrong and what would be right.
        """
        if not isinstance(text, str):
            raise InvalidScaleSetId(f"scale set id must be a text, not {type(text).__name__}; it looks like {_FORM}")
        parts = text.rstrip("/").split("/")
        problem = "white space around the id," if text != text.strip() else _problem(parts)
        if problem:
            raise InvalidScaleSetId(f"{problem} in scale set id {clean(text, 200)!r}; it looks like {_FORM}")
        return cls(parts[2], parts[4], parts[8])

    @classmethod
    def are_same(cls, one: object, other: object) -> bool:
        """Return whether both are ids of one scale set; False where one is no id, or not known yet."""
        try:
            return cls.parse(one) == cls.parse(other)
        except InvalidScaleSetId:
            return False

    def __str__(self) -> str:
        """Return the ARM id."""
        names = {"subscription": self.subscription_id, "resource group": self.resource_group, "scale set": self.name}
        return _FORM.format_map(names)

    def hide_in(self, text: str) -> str:
        """Return the text without the id and its parts, for an id that is a secret.

        A longer name that begins with a part is left, except that of an instance: web has web_0 and web_1b2c3d4e. In a
        URL's query the id is encoded: a part then follows %2F.
        """
        words = (str(self), self.subscription_id, self.resource_group, self.name)
        pattern = "|".join(map(re.escape, words))
        return re.sub(rf"(?:(?<![\w-])|(?<=%2F))(?:{pattern})(?![^\W_]|-)", "[secret]", text, flags=re.IGNORECASE)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ScaleSetId) and str(self).lower() == str(other).lower()

    def __hash__(self) -> int:
        return hash(str(self).lower())


def _problem(parts: list[str]) -> str | None:
    """Say what is wrong with the first wrong part of an id; None if nothing is."""
    if parts[0] or len(parts) < 2:
        return "no leading '/'"
    for want, have in zip(_FIXED, parts, strict=False):
        if want.startswith("{"):
            if not _NAME.fullmatch(have) or not have.strip("."):
                return (
                    f"{clean(have, 60)!r} is not a valid {want.strip('{}')} name"
                    if have
                    else f"the {want.strip('{}')} is empty"
                )
        elif want != have.lower():
            return f"{clean(have, 60)!r} instead of {want!r}"
    if len(parts) < len(_FIXED):
        return f"nothing after {clean(parts[-1], 60)!r}"
    if len(parts) > len(_FIXED):
        return f"{clean('/'.join(parts[len(_FIXED) :]), 60)!r} after the scale set's name"
    return None
