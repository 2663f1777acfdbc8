"""The process: a gRPC server that the engine starts, and that ends with it. A thread for each gate that waits.

The core blocks, and so do these methods: nothing in here is asynchronous.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from importlib import resources
from typing import TYPE_CHECKING, Any, NoReturn
from uuid import uuid4

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from pulumi_vmss_health.plugin import inputs, wire
from pulumi_vmss_health.plugin.gate import Waits
from pulumi_vmss_health.plugin.kinds import FUNCTION, RESOURCES, Kind
from pulumi_vmss_health.plugin.view import read_view
from pulumi_vmss_health.version import __version__
from vmss_instance_view.azure.settings import Settings
from vmss_instance_view.clock import Stopped, SystemClock
from vmss_instance_view.errors import InstanceViewError, UnexpectedError
from vmss_instance_view.pulumi import pools
from vmss_instance_view.pulumi.calls import Call, CallFailed, PartialFailure
from vmss_instance_view.reading.retry import READ_TIMEOUT

if TYPE_CHECKING:
    from vmss_instance_view.connection import Azure

_THREADS = 1024  # started on demand, one for each gate that waits; Cancel needs one, too
_LARGEST_MESSAGE = 400 * 1024 * 1024  # what the engine itself allows
_FAREWELL = 5.0  # seconds that calls get to end by themselves when this process is told to

_SOME, _UNKNOWN = provider_pb2.DiffResponse.DIFF_SOME, provider_pb2.DiffResponse.DIFF_UNKNOWN

_Method = Callable[[Any, Any, Any], Any]


def _plainly(method: _Method) -> _Method:
    """Return a method of the service that is given a Call, and whose errors reach people as one line."""

    @wraps(method)
    def guarded(self: Any, request: Any, context: grpc.ServicerContext) -> Any:
        call = Call(getattr(request, "urn", ""), getattr(request, "timeout", 0.0) or None, context)
        try:
            return method(self, request, call)
        except (PartialFailure, CallFailed, InstanceViewError) as error:
            _abort(context, str(error))
        except Stopped:
            _abort(context, "cancelled")
        except Exception as error:  # a defect must not show as a traceback either
            _abort(context, str(UnexpectedError(error)))

    return guarded


def _abort(context: grpc.ServicerContext, text: str) -> NoReturn:
    context.abort(grpc.StatusCode.UNKNOWN, text)
    raise AssertionError("abort raises")


class Plugin(provider_pb2_grpc.ResourceProviderServicer):
    """Serves one provider: the default one of a stack, or an explicit one with settings of its own."""

    def __init__(self) -> None:
        self._azure: Azure | None = None

    @_plainly
    def GetPluginInfo(self, _request: Any, _call: Call) -> Any:
        """Tell the version."""
        return plugin_pb2.PluginInfo(version=__version__)

    @_plainly
    def GetSchema(self, _request: Any, _call: Call) -> Any:
        """Return what SDKs are generated from."""
        return provider_pb2.GetSchemaResponse(schema=(resources.files(__package__) / "schema.json").read_text("utf-8"))

    @_plainly
    def CheckConfig(self, request: Any, _call: Call) -> Any:
        """Refuse settings that do not exist; mark those as secrets that are, also where a program did not."""
        news = wire.received(request.news)
        marked = {key: wire.secret(value) if key in inputs.SECRET_SETTINGS else value for key, value in news.items()}
        return _checked(marked, inputs.setting_refusals(news))

    @_plainly
    def DiffConfig(self, _request: Any, _call: Call) -> Any:
        """Leave the comparison to the engine: after "no difference" it would go on with the settings of before."""
        return provider_pb2.DiffResponse(changes=_UNKNOWN)

    @_plainly
    def Configure(self, request: Any, _call: Call) -> Any:
        """Remember where to read, and as whom. Does no I/O."""
        from vmss_instance_view.connection import shared_azure

        given = {f"vmss-health:{key}": value for key, value in wire.plain(wire.received(request.args)).items()}
        settings = Settings(os.environ, lambda key: _text(given.get(key)), "vmss-health")
        self._azure = shared_azure(settings, SystemClock(pools.STOP))
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    @_plainly
    def Check(self, request: Any, call: Call) -> Any:
        """Refuse, in preview already, what cannot work; what is not known yet is checked when it is."""
        olds, news, kind = wire.received(request.olds), wire.received(request.news), _kind(request)
        checked, refusals = kind.checked(request.urn, news)
        if isinstance(kind, Waits) and not refusals and (warning := inputs.unnoticed(news)):
            call.warn(warning)
        return _checked(inputs.as_before(olds, checked), refusals)

    @_plainly
    def Diff(self, request: Any, _call: Call) -> Any:
        """Report a change by itself where one is due; else the engine compares inputs, as ignoreChanges has them."""
        olds, news = wire.received(request.olds), wire.received(request.news)
        runs = _kind(request).runs_without_a_change(olds, news)
        return provider_pb2.DiffResponse(changes=_SOME if runs else _UNKNOWN)

    @_plainly
    def Create(self, request: Any, call: Call) -> Any:
        """Wait or read. The id is opaque: another scale set is an update, not a replacement."""
        kind, news = _kind(request), wire.received(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(properties=wire.sent(_foreseen(kind, call, news)))
        id_ = uuid4().hex
        properties = kind.create(self._connected, call, id_, news)
        return provider_pb2.CreateResponse(id=id_, properties=wire.sent(properties))

    @_plainly
    def Update(self, request: Any, call: Call) -> Any:
        """Wait or read again."""
        kind, olds, news = _kind(request), wire.received(request.olds), wire.received(request.news)
        if request.preview:
            return provider_pb2.UpdateResponse(properties=wire.sent(_foreseen(kind, call, news)))
        properties = kind.update(self._connected, call, request.id, olds, news)
        return provider_pb2.UpdateResponse(properties=wire.sent(properties))

    @_plainly
    def Read(self, request: Any, call: Call) -> Any:
        """Refresh; a scale set that is gone takes the resource out of the state."""
        kind, stored = _kind(request), wire.received(request.properties)
        # A gate has stored more than its inputs. What a program gives to `get` is sent as both, by old engines as one.
        is_got = isinstance(kind, Waits) and wire.received(request.inputs) in ({}, stored)
        if not stored or is_got:
            raise call.failure(f"{request.id} cannot be imported: {kind.no_import}")
        properties = kind.refresh(self._connected, call, request.id, stored)
        if properties is None:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(id=request.id, properties=wire.sent(properties), inputs=request.inputs)

    @_plainly
    def Delete(self, _request: Any, _call: Call) -> Any:
        """Forget it: there is nothing of it in Azure."""
        return empty_pb2.Empty()

    @_plainly
    def Invoke(self, request: Any, call: Call) -> Any:
        """Read an instance view now, also in a preview."""
        if request.tok != FUNCTION:
            raise call.failure(f"vmss-health has no function {request.tok}; it has {FUNCTION}")
        asked = wire.received(request.args)
        failures = _failures(inputs.refusals(inputs.FUNCTION, asked))
        if failures:
            return provider_pb2.InvokeResponse(failures=failures)
        read = read_view(self._connected, call, asked, READ_TIMEOUT, 0.0)
        response = provider_pb2.InvokeResponse()
        getattr(response, "return").CopyFrom(wire.sent(read))
        return response

    @_plainly
    def Cancel(self, _request: Any, _call: Call) -> Any:
        """End every wait at once."""
        pools.STOP.set()
        return empty_pb2.Empty()

    @property
    def _connected(self) -> Azure:
        if self._azure is None:
            raise CallFailed("the provider is not configured")
        return self._azure


def _kind(request: Any) -> Kind:
    token = request.urn.split("::")[2].rpartition("$")[2]
    if token not in RESOURCES:
        raise CallFailed(f"vmss-health has no resource {token}; it has {', '.join(RESOURCES)}")
    return RESOURCES[token]


def _checked(properties: Mapping[str, Any], refusals: Iterable[inputs.Refusal]) -> Any:
    return provider_pb2.CheckResponse(inputs=wire.sent(properties), failures=_failures(refusals))


def _failures(refusals: Iterable[inputs.Refusal]) -> list[Any]:
    """Return refusals as the engine takes them: of a property it shows the value, and it knows none below an input."""
    return [
        provider_pb2.CheckFailure(property=path if path.isidentifier() else "", reason=reason)
        for path, reason in refusals
    ]


def _foreseen(kind: Kind, call: Call, news: dict[str, Any]) -> dict[str, Any]:
    """Return what a preview knows: the inputs, and the scale sets' ids as the update will spell them."""
    if isinstance(kind, Waits):
        kind.check_timeout(call, news)
    ids = {key: inputs.canonical(news[key]) for key in inputs.IDS if key in news}
    return {**dict.fromkeys(kind.outputs, wire.UNKNOWN), **news, **ids}


def _text(value: object) -> object:
    """Return a setting as the variables have it: a program may give true where they say "true"."""
    return str(value).lower() if isinstance(value, bool) else value


def main() -> None:
    """Serve the engine that started this process until it is gone."""
    limits = [(f"grpc.max_{way}_message_length", _LARGEST_MESSAGE) for way in ("send", "receive")]
    server = grpc.server(ThreadPoolExecutor(_THREADS, thread_name_prefix="vmss-call"), options=limits)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Plugin(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: _end(server))
    print(port, flush=True)  # which the engine reads; nothing else may come before
    pools.end_with_engine()
    server.wait_for_termination()
    sys.exit(0)


def _end(server: grpc.Server) -> None:
    pools.STOP.set()
    server.stop(_FAREWELL)
