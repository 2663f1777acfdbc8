"""Errors as ARM and its resource providers send them."""

from __future__ import annotations

from typing import Any


class ArmError(Exception):
    """An answer that is an error.

    Attributes:
        status: the HTTP status.
        body: the envelope {"error": {"code", "message", ...}}.
        headers: to be sent along. Errors that ARM makes itself, before a resource provider sees the request, carry
            `x-ms-failure-cause: gateway`.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        target: str | None = None,
        gateway: bool = False,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        error: dict[str, Any] = {"code": code, "message": message}
        if target is not None:
            error["target"] = target
        self.status = status
        self.body = {"error": error}
        self.headers = {**(headers or {}), **({"x-ms-failure-cause": "gateway"} if gateway else {})}


def resource_not_found(kind: str, name: str, group: str) -> ArmError:
    """ARM knows no such resource; `kind` like Microsoft.Compute/virtualMachineScaleSets."""
    message = f"The Resource '{kind}/{name}' under resource group '{group}' was not found."
    return ArmError(404, "ResourceNotFound", message, gateway=True)


def group_not_found(group: str) -> ArmError:
    """ARM knows no such resource group."""
    message = f"Resource group '{group}' could not be found."
    return ArmError(404, "ResourceGroupNotFound", message, gateway=True)


def method_not_allowed(method: str) -> ArmError:
    """The resource exists, and this cannot be done to it."""
    message = f"The emulator does not answer {method} here."
    return ArmError(405, "HttpMethodNotAllowed", message, gateway=True)
