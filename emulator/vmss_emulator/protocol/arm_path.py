"""Paths of Azure Resource Manager, which compares them without case."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import unquote


@dataclass(frozen=True, slots=True)
class ArmPath:
    """A path below `/subscriptions`, taken apart.

    Attributes:
        subscription: its id; None for the list of subscriptions.
        group: the resource group, if the path has one.
        provider: the namespace, such as Microsoft.Compute.
        parts: what follows the namespace: type, name, type, name, ...; without one, what follows the subscription
            or group.
        scope: the resource that this one extends, such as the scale set of a lock; None: it stands by itself.
    """

    subscription: str | None = None
    group: str | None = None
    provider: str | None = None
    parts: tuple[str, ...] = ()
    scope: ArmPath | None = None

    @classmethod
    def parse(cls, path: str) -> ArmPath | None:
        """Take a path apart; None if it does not begin with /subscriptions."""
        words = [unquote(word) for word in path.split("/") if word]
        if not words or words[0].lower() != "subscriptions":
            return None
        subscription = words[1] if len(words) > 1 else None
        group, words = _after("resourcegroups", words[2:])
        provider, words = _after("providers", words)
        found = cls(subscription, group, provider, tuple(words))
        while (at := found._extended()) is not None:
            scope = cls(subscription, group, found.provider, found.parts[:at], found.scope)
            found = cls(subscription, group, found.parts[at + 1], found.parts[at + 2 :], scope)
        return found

    def _extended(self) -> int | None:
        """Return where among the parts another provider's resource begins."""
        places = range(2, len(self.parts) - 1, 2)
        return next((at for at in places if self.parts[at].lower() == "providers"), None)

    @property
    def names_a_resource(self) -> bool:
        """Is it the path of one resource, not of a list?"""
        return self.provider is not None and len(self.parts) > 0 and len(self.parts) % 2 == 0

    @property
    def kind(self) -> str:
        """The full type, such as Microsoft.Network/virtualNetworks/subnets."""
        return "/".join([self.provider or "", *self.parts[::2]])

    @property
    def name(self) -> str:
        """The name of the resource, below its parents' names: `vnet/default`."""
        return "/".join(self.parts[1::2])

    @property
    def prefix(self) -> str:
        """The beginning, in lower case, of the ids of all that is in its group, or in its subscription."""
        return ArmPath(self.subscription, self.group).id.lower() + "/"

    @property
    def id(self) -> str:
        """The path written as Azure writes ids."""
        if self.scope is not None:
            return "/".join([self.scope.id, "providers", self.provider or "", *self.parts])
        words = ["", "subscriptions", self.subscription or ""]
        if self.group is not None:
            words += ["resourceGroups", self.group]
        if self.provider is not None:
            words += ["providers", self.provider]
        return "/".join([*words, *self.parts])

    def lower(self) -> tuple[str, ...]:
        """Return the parts, for comparison."""
        return tuple(part.lower() for part in self.parts)

    def up(self, levels: int) -> ArmPath:
        """Return the path without its last parts."""
        return replace(self, parts=self.parts[: len(self.parts) - levels])


def _after(word: str, words: list[str]) -> tuple[str | None, list[str]]:
    if len(words) >= 2 and words[0].lower() == word:
        return words[1], words[2:]
    return None, words
