"""Errors as ARM, its resource providers and Entra ID send them."""

from __future__ import annotations

import uuid
from typing import Any


class ArmError(Exception):
    """An answer that is an error.

    Attributes:
        status: the HTTP status.
        gateway: is it ARM's own, made before a resource provider saw the request? Then a header says so.
        body: the envelope {"error": {"code", "message", ...}}.
        headers: to be sent along.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        target: str | None = None,
        details: list[dict[str, str]] | None = None,
        inner: str | None = None,
        gateway: bool = False,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        error: dict[str, Any] = {"code": code, "message": message}
        if target is not None:
            error["target"] = target
        if details is not None:
            error["details"] = details
        if inner is not None:
            error["innererror"] = {"internalErrorCode": inner}
        self.status = status
        self.gateway = gateway
        self.body = {"error": error}
        self.headers = {**(headers or {}), **({"x-ms-failure-cause": "gateway"} if gateway else {})}


class IdentityError(Exception):
    """A token that is not given: `status` and a body as the token endpoint sends it."""

    def __init__(self, status: int, error: str, number: int, description: str) -> None:
        super().__init__(description)
        trace = str(uuid.uuid4())
        self.status = status
        self.body = {
            "error": error,
            "error_description": f"AADSTS{number}: {description} Trace ID: {trace}",
            "error_codes": [number],
            "trace_id": trace,
            "correlation_id": str(uuid.uuid4()),
        }


def resource_not_found(kind: str, name: str, group: str, *, gateway: bool = True) -> ArmError:
    """Report that a resource does not exist; `kind` like Microsoft.Compute/virtualMachineScaleSets.

    gateway: Resource Manager knows it by itself; of what a scale set consists of only Compute does.
    """
    message = f"The Resource '{kind}/{name}' under resource group '{group}' was not found."
    return ArmError(404, "ResourceNotFound", message, gateway=gateway)


def group_not_found(group: str) -> ArmError:
    """Report that a resource group does not exist."""
    message = f"Resource group '{group}' could not be found."
    return ArmError(404, "ResourceGroupNotFound", message, gateway=True)


def method_not_allowed(method: str) -> ArmError:
    """Refuse an operation on an existing resource that does not allow it."""
    message = f"The emulator does not answer {method} here."
    return ArmError(405, "HttpMethodNotAllowed", message, gateway=True)


def operation_not_allowed(operation: str, scale_set: str, *, bad_request: bool = False) -> ArmError:
    """Refuse an operation that Flexible sets do not know; clients recognise the refusal by the operation's name.

    bad_request: one of them is a 400 of its own code.
    """
    message = f"Operation '{operation}' is not allowed on Virtual Machine Scale Set '{scale_set}'."
    return ArmError(400, "BadRequest", message) if bad_request else ArmError(409, "OperationNotAllowed", message)


def not_emulated(what: str) -> ArmError:
    """Report that Azure can do this and the emulator cannot; any other answer would be taken for Azure's."""
    message = f'The emulator does not do this: {what}. See "What is not emulated" in docs/emulator.md.'
    return ArmError(501, "NotEmulated", message)
