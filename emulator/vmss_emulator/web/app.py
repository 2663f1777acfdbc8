"""The web application: which route asks whom. Everything that decides lives in modules without a web framework.

Three doors: `/subscriptions...` is Azure Resource Manager, the token and metadata routes are Entra ID and the cloud's
own description, `/emulator/...` is the emulator's remote control, for scripts that were told its token: other users of
the machine reach the port, too, and a forged timeline would decide what a test says.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from vmss_emulator.azure.arm import Arm
from vmss_emulator.azure.world import World
from vmss_emulator.entra.identity import Identity
from vmss_emulator.protocol import cloud
from vmss_emulator.protocol.errors import ArmError, IdentityError
from vmss_emulator.protocol.messages import METHODS, Answer, Ask
from vmss_emulator.script.timeline import Timeline, TimelineError
from vmss_emulator.web.journal import Journal

_JSON = "application/json; charset=utf-8"


def azure(world: World, identity: Identity, journal: Journal, control_token: str) -> Starlette:
    """Return the routes served over https: Azure Resource Manager, Entra ID and the remote control."""
    arm, entra = _ArmDoor(Arm(world, identity)), _EntraDoor(identity, world)
    control = _ControlDoor(world, journal, control_token)
    return Starlette(
        routes=[
            Route("/metadata/endpoints", entra.endpoints),
            Route("/{tenant}/v2.0/.well-known/openid-configuration", entra.discovery),
            Route("/{tenant}/.well-known/openid-configuration", entra.discovery),
            Route("/{tenant}/oauth2/v2.0/token", entra.token, methods=["POST"]),
            Route("/{tenant}/oauth2/token", entra.token, methods=["POST"]),
            Route("/oidc/token", entra.federated),
            Route("/emulator/timeline", control.timeline, methods=["PUT"]),
            Route("/emulator/requests", control.requests),
            Route("/{path:path}", arm.answer, methods=METHODS),
        ]
    )


def managed_identity(identity: Identity) -> Starlette:
    """Return the token endpoints of managed identity, which azure-identity reaches over plain http only."""
    door = _ManagedIdentityDoor(identity)
    return Starlette(
        routes=[
            Route("/msi/token", door.app_service),
            Route("/metadata/identity/oauth2/token", door.instance_metadata),
        ]
    )


class _ArmDoor:
    def __init__(self, arm: Arm) -> None:
        self._arm = arm

    async def answer(self, request: Request) -> Response:
        try:
            return _response(self._arm.answer(await _ask(request)))
        except ArmError as error:
            return _response(Answer(error.status, error.body, error.headers))


async def _ask(request: Request) -> Ask:
    return Ask(
        method=request.method,
        path=request.scope["path"],
        query={key.lower(): value for key, value in request.query_params.items()},
        headers={key.lower(): value for key, value in request.headers.items()},
        content=await request.body(),
    )


def _response(answer: Answer) -> Response:
    headers = {"Cache-Control": "no-cache", **answer.headers}
    if answer.body is None:
        return Response(status_code=answer.status, headers=headers)
    return _Json(answer.body, answer.status, headers, media_type=_JSON)


class _Json(JSONResponse):
    """JSON that may hold half a surrogate pair: clients send it as an escape, and get it back so."""

    def render(self, content: object) -> bytes:
        """Return the body."""
        try:
            return super().render(content)
        except UnicodeEncodeError:
            return json.dumps(content, separators=(",", ":")).encode()


class _EntraDoor:
    def __init__(self, identity: Identity, world: World) -> None:
        self._identity = identity
        self._world = world

    async def endpoints(self, request: Request) -> Response:
        """Return the cloud's description: one object, or in older versions a list of clouds, of which there is one."""
        found = cloud.description(self._world.url)
        version = request.query_params.get("api-version", "")
        return _Json([found] if "2018" < version < "2022" else found)

    async def discovery(self, request: Request) -> Response:
        return _or_refusal(lambda: self._identity.discovery(request.path_params["tenant"], self._world.url))

    async def token(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode(errors="replace")))
        return _or_refusal(lambda: self._identity.grant(request.path_params["tenant"], form))

    async def federated(self, request: Request) -> Response:
        """A pipeline's own token service, as GitHub's answers: whoever holds its request token is the workflow."""
        if not _bears(request, self._identity.oidc_request_token):
            return _refused(401, "unauthorized", "The request token is missing or wrong.")
        return _Json(self._identity.federated(request.query_params.get("audience", "https://github.com")))


class _ManagedIdentityDoor:
    """App Service 2019-08-01 (X-IDENTITY-HEADER) and 2017-09-01 (secret), and IMDS 2018-02-01 (Metadata)."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    async def app_service(self, request: Request) -> Response:
        shown = request.headers.get("x-identity-header") or request.headers.get("secret")
        if shown != self._identity.identity_header:
            return _refused(401, "unauthorized_client", "The identity header is missing or wrong.")
        return self._token(request.query_params)

    async def instance_metadata(self, request: Request) -> Response:
        if request.headers.get("metadata", "").lower() != "true":
            return _refused(400, "invalid_request", "The header 'Metadata: true' is required.")
        if any(name.startswith("x-forwarded-") for name in request.headers):
            return _refused(400, "invalid_request", "The request came through a proxy (X-Forwarded-...): refused.")
        return self._token(request.query_params)

    def _token(self, query: Mapping[str, str]) -> Response:
        if not query.get("resource"):
            return _refused(400, "invalid_request", "The parameter 'resource' is required.")
        return _Json(self._identity.managed(query["resource"], query.get("client_id")))


class _ControlDoor:
    def __init__(self, world: World, journal: Journal, token: str) -> None:
        self._world = world
        self._journal = journal
        self._token = token

    def _stranger(self, request: Request) -> Response | None:
        """Return the refusal of a request that does not show the token; None for one that does."""
        if _bears(request, self._token):
            return None
        said = (
            "The remote control wants the header 'Authorization: Bearer <token>': the token is in VMSS_EMULATOR_TOKEN, "
            "which `vmss-emulator serve` prints and `vmss-emulator exec` sets, and in Emulator.control_token."
        )
        refused = _refused(401, "Unauthorized", said)
        refused.headers["WWW-Authenticate"] = "Bearer"
        return refused

    async def timeline(self, request: Request) -> Response:
        """Take another timeline."""
        if refused := self._stranger(request):
            return refused
        text = (await request.body()).decode(errors="replace")
        try:
            self._world.load(Timeline.load(text))
        except TimelineError as error:
            return _refused(400, "TimelineError", str(error))
        return Response(status_code=204)

    async def requests(self, request: Request) -> Response:
        """Return all requests as JSON."""
        if refused := self._stranger(request):
            return refused
        return _Json([request.to_json() for request in self._journal.requests])


def _bears(request: Request, token: str) -> bool:
    """Return whether a request has this bearer token."""
    kind, _, shown = request.headers.get("authorization", "").partition(" ")
    return kind.lower() == "bearer" and secrets.compare_digest(shown.strip().encode(), token.encode())


def _or_refusal(grant: Callable[[], dict[str, Any]]) -> Response:
    try:
        return _Json(grant())
    except IdentityError as error:
        return _Json(error.body, error.status)


def _refused(status: int, error: str, description: str) -> Response:
    return _Json({"error": error, "error_description": description}, status)
