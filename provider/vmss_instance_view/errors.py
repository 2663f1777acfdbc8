"""All errors of the reader: one class for each way in which a caller may react.

InstanceViewError
+-- InvalidScaleSetId       the id is not one of a scale set; nothing was sent (also a ValueError)
+-- ConfigurationError      the cloud or the credential settings cannot work; nothing was read (also a ValueError)
+-- CredentialError         no token could be had: says what was tried and what to set
+-- MalformedBody           the answer is not what Azure documents; names the URL and the JSON path
+-- UnexpectedError         a defect of this package: says what to report
+-- AzureError              an answer of Azure, or none: status, code, retry_after
    +-- Unauthorized        401: Azure does not accept the token (also a CredentialError)
    +-- Forbidden           403: names the action and the scope; role assignments take time to spread
    +-- ScaleSetNotFound    404: not there
    |   +-- ScaleSetDeleted     not there any more: this reader has seen it before
    +-- Rejected            any other final refusal of the request
    |   +-- NotSupported        the set's orchestration mode does not know this operation
    +-- Unavailable         5xx, 408, 409, 412 or no answer: worth another attempt
        +-- Throttled       429: nothing is wrong with the set; look again after `retry_after`

Messages never carry a token or a header of the request. Each is one line, cut and cleaned.
"""

from __future__ import annotations

from vmss_instance_view.text import LINE, clean


def root_cause(error: BaseException) -> BaseException:
    """Return the innermost reason of a transport's error: the texts around it repeat the whole request."""
    for inner in (getattr(error, "reason", None), *reversed(error.args)):
        if isinstance(inner, BaseException):
            return root_cause(inner)
    return error


class InstanceViewError(Exception):
    """Root of the reader's errors: catch it where any failure to read means the same."""

    def __init__(self, message: str = "") -> None:
        """Clean the message, whatever it quotes."""
        super().__init__(clean(message, LINE))


class InvalidScaleSetId(InstanceViewError, ValueError):
    """The text is not the ARM id of a scale set. The message says which part is wrong."""


class ConfigurationError(InstanceViewError, ValueError):
    """Cloud or credential settings that cannot work. The message names the setting."""


class CredentialError(InstanceViewError):
    """No token: the message says which credential was tried, why it failed and what to set."""


class MalformedBody(InstanceViewError):
    """A body that is not what Azure documents.

    path: where in the body, as `$.virtualMachine.statusesSummary[0].count`.
    """

    def __init__(self, path: str, problem: str, *, source: str = "") -> None:
        """Name the JSON path, what is wrong there, and where the body came from."""
        super().__init__(f"{source or 'the body'} is malformed at {path}: {problem}")
        self.path = path
        self.problem = problem

    def at(self, source: str) -> MalformedBody:
        """Return the same error, naming the request that the body answered."""
        return MalformedBody(self.path, self.problem, source=source)


class UnexpectedError(InstanceViewError):
    """An error that this package does not expect: a defect of this package, neither Azure's nor yours."""

    def __init__(self, error: Exception) -> None:
        """Name what was raised, and what to do about it."""
        said = f"{type(error).__name__}: {error}"
        super().__init__(f"unexpected {said}; this is a defect of pulumi-vmss-health: please report it with this text")


class AzureError(InstanceViewError):
    """An answer of Azure, or none, to one request: the common part of the errors below.

    status: HTTP status, None if there was no answer. code: Azure's error code, "" if it gave none.
    retry_after: seconds to wait before the next attempt, None if Azure did not say.
    """

    def __init__(
        self, message: str, *, status: int | None = None, code: str = "", retry_after: float | None = None
    ) -> None:
        """Keep what a caller decides by beside the message that a person reads."""
        super().__init__(message)
        self.status = status
        self.code = code
        self.retry_after = retry_after


class Unauthorized(AzureError, CredentialError):
    """401, also with a fresh token: it is of another tenant or cloud, or continuous access evaluation refuses it."""


class Forbidden(AzureError):
    """403: the identity may not read this. Transient for minutes after a role assignment.

    action, scope: what Azure says is missing, "" if it does not say.
    """

    action = ""
    scope = ""


class ScaleSetNotFound(AzureError):
    """404: the set does not exist, not yet or not any more. Right after a create it may still appear."""

    @property
    def is_of_the_set(self) -> bool:
        """Whether Azure says that the set itself is not found, not its resource group or its subscription."""
        return self.code in ("ResourceNotFound", "NotFound")


class ScaleSetDeleted(ScaleSetNotFound):
    """404 for a set that this reader has seen before."""


class Rejected(AzureError):
    """A final refusal: repeating the request gives the same answer."""


class NotSupported(Rejected):
    """The set's orchestration mode does not know the operation: Uniform and Flexible sets are read differently."""


class Unavailable(AzureError):
    """A 5xx, a conflict, a broken connection or a timeout: says nothing about the set; try again."""


class Throttled(Unavailable):
    """429: too many requests, by any client. The set itself is not affected."""
