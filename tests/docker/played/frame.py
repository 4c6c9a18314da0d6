"""A Pulumi provider's side of the engine's protocol, over kinds of resources that know nothing of it.

https://github.com/pulumi/pulumi/blob/master/proto/pulumi/provider.proto
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import grpc
from google.protobuf import any_pb2, empty_pb2
from google.rpc import status_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

sys.path.append(str(Path(__file__).parents[2] / "engine"))

from values import packed, plain

SOME, NONE = provider_pb2.DiffResponse.DIFF_SOME, provider_pb2.DiffResponse.DIFF_NONE

Values = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What differs, which of it needs a new resource, and whether the old one has to go before."""

    paths: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()
    delete_first: bool = False


class NotReady(Exception):
    """A resource is there, and is not what it should be: its id, its state, and why."""

    def __init__(self, id_: str, state: Values, reason: str) -> None:
        super().__init__(reason)
        self.id, self.state, self.reason = id_, state, reason


class Kind(Protocol):
    """One type of resource."""

    def check(self, inputs: Values) -> Values: ...
    def diff(self, state: Values, before: Values, after: Values) -> Change: ...
    def create(self, inputs: Values) -> tuple[str, Values]: ...
    def read(self, id_: str, state: Values) -> Values | None: ...
    def update(self, id_: str, state: Values, inputs: Values) -> Values: ...
    def delete(self, id_: str, state: Values) -> None: ...


@dataclass(slots=True)
class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """Serves kinds by their types; `kinds` makes them of the provider's own inputs, once these are known."""

    kinds: Callable[[Values], Mapping[str, Kind]]
    known: dict[str, Kind] = field(default_factory=dict)

    def Handshake(self, request: Any, context: Any) -> Any:
        return provider_pb2.ProviderHandshakeResponse(
            accept_secrets=False, accept_resources=False, accept_outputs=False
        )

    def Attach(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version="99.0.0")

    def CheckConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.DiffResponse(changes=NONE)

    def Configure(self, request: Any, context: Any) -> Any:
        with _told(context):
            self.known.update(self.kinds(plain(request.args)))
        return provider_pb2.ConfigureResponse(
            acceptSecrets=False, supportsPreview=True, acceptResources=False, acceptOutputs=False
        )

    def Check(self, request: Any, context: Any) -> Any:
        with _told(context):
            inputs = self._kind(request.urn).check(plain(request.news))
        return provider_pb2.CheckResponse(inputs=packed(inputs))

    def Diff(self, request: Any, context: Any) -> Any:
        with _told(context):
            change = self._kind(request.urn).diff(plain(request.olds), plain(request.old_inputs), plain(request.news))
        return provider_pb2.DiffResponse(
            changes=SOME if change.paths else NONE,
            diffs=change.paths,
            replaces=change.replaces,
            deleteBeforeReplace=change.delete_first and bool(change.replaces),
        )

    def Create(self, request: Any, context: Any) -> Any:
        if request.preview:
            return provider_pb2.CreateResponse(id="", properties=request.properties)
        with _told(context):
            id_, state = self._kind(request.urn).create(plain(request.properties))
        return provider_pb2.CreateResponse(id=id_, properties=packed(state))

    def Read(self, request: Any, context: Any) -> Any:
        with _told(context):
            state = self._kind(request.urn).read(request.id, plain(request.properties))
        if state is None:
            return provider_pb2.ReadResponse(id="")
        return provider_pb2.ReadResponse(id=request.id, properties=packed(state), inputs=request.inputs)

    def Update(self, request: Any, context: Any) -> Any:
        if request.preview:
            return provider_pb2.UpdateResponse(properties=request.news)
        with _told(context):
            state = self._kind(request.urn).update(request.id, plain(request.olds), plain(request.news))
        return provider_pb2.UpdateResponse(properties=packed(state))

    def Delete(self, request: Any, context: Any) -> Any:
        with _told(context):
            self._kind(request.urn).delete(request.id, plain(request.properties))
        return empty_pb2.Empty()

    def Cancel(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    def _kind(self, urn: str) -> Kind:
        return self.known[urn.split("::")[2].split("$")[-1]]


def serve(kinds: Callable[[Values], Mapping[str, Kind]]) -> None:
    """Serves until the engine ends the process; the one line on standard output is the port."""
    server = grpc.server(ThreadPoolExecutor(32), options=[("grpc.max_receive_message_length", 1 << 28)])
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Provider(kinds), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    server.wait_for_termination()


@contextlib.contextmanager
def _told(context: Any) -> Iterator[None]:
    """Whatever goes wrong becomes an error of the call."""
    try:
        yield
    except NotReady as error:
        context.set_trailing_metadata((("grpc-status-details-bin", _details(error)),))
        context.abort(grpc.StatusCode.UNKNOWN, error.reason)
    except Exception as error:
        context.abort(grpc.StatusCode.UNKNOWN, str(error) or type(error).__name__)


def _details(error: NotReady) -> bytes:
    detail = any_pb2.Any()
    state = packed(error.state)
    detail.Pack(provider_pb2.ErrorResourceInitFailed(id=error.id, properties=state, reasons=[error.reason]))
    return status_pb2.Status(code=2, message=error.reason, details=[detail]).SerializeToString()
