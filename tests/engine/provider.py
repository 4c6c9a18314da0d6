"""A recording provider: one gRPC server for each package, all of one cloud in memory.

The engine starts `pulumi-resource-NAME`, a script that says the port of a server that runs already: no start-up is paid.
    python tests/engine/provider.py FOLDER    puts such scripts into FOLDER, and serves until standard input ends
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
from cloud import Cloud, Thing, key
from google.protobuf.any_pb2 import Any as Wrapped
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2
from replacements import ALL, LACKING, REPLACED_BY, deleted_first
from rules import Refused
from values import UNKNOWN, foreseen, moved, packed, plain, told

PACKAGES = ("aws", "azure-native", "command", "docker", "docker-build", "gcp", "random")
# Terraform's bridge lets the engine keep track of secrets; azure-native is handed them marked, and marks none itself.
TAKES_SECRETS = ("azure-native",)
SHIM = "#!/bin/sh\necho {port}\nexec cat >/dev/null\n"
REGIONS = {
    "aws": (
        "region",
        re.compile(r"(us|eu|ap|sa|ca|me|af|il|mx)-(east|west|north|south|central|(north|south)(east|west))-\d"),
    ),
    "gcp": ("region", re.compile(r"(us|europe|asia|australia|northamerica|southamerica|me|africa)-[a-z]+\d+")),
}
Kinds = provider_pb2.PropertyDiff
KINDS = {
    "add": (Kinds.ADD, Kinds.ADD_REPLACE),
    "delete": (Kinds.DELETE, Kinds.DELETE_REPLACE),
    "update": (Kinds.UPDATE, Kinds.UPDATE_REPLACE),
}


@contextmanager
def plugged_in(cloud: Cloud, folder: Path, packages: Sequence[str] = PACKAGES) -> Iterator[None]:
    """Inside of the block an engine that finds its plugins in the folder works on the cloud."""
    servers = {name: _server(cloud, name) for name in packages}
    for name, (_, port) in servers.items():
        script = folder / f"pulumi-resource-{name}"
        script.write_text(SHIM.format(port=port), encoding="utf-8")
        script.chmod(0o755)
    try:
        yield
    finally:
        for server, _ in servers.values():
            server.stop(None).wait()


def _server(cloud: Cloud, package: str) -> tuple[grpc.Server, int]:
    unlimited = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    server = grpc.server(ThreadPoolExecutor(max_workers=8), options=unlimited)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(_Provider(cloud, package), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


def _of(request: Any) -> tuple[str, str]:
    """The type and the logical name in a request's URN."""
    _, _, types, name = request.urn.split("::", 3)
    return types.split("$")[-1], name


class _Provider(provider_pb2_grpc.ResourceProviderServicer):
    def __init__(self, cloud: Cloud, package: str) -> None:
        self.cloud = cloud
        self.package = package
        self.secrets = package in TAKES_SECRETS

    def Handshake(self, request: Any, context: Any) -> Any:
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=self.secrets, accept_resources=False)

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version="9.9.9")

    def CheckConfig(self, request: Any, context: Any) -> Any:
        self.cloud.asked("check", f"pulumi:providers:{self.package}", _of(request)[1])
        name, known = REGIONS.get(self.package, ("", re.compile("")))
        region = plain(request.news).get(name)
        failures: list[provider_pb2.CheckFailure] = []
        if region and region != UNKNOWN and not known.fullmatch(str(region)):
            reason = f"invalid {self.package.upper()} Region: {region}"
            failures.append(provider_pb2.CheckFailure(property=name, reason=reason))
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        """Another region, project or host is another place: everything there is replaced, as the real ones say."""
        paths = dict(moved(told(plain(request.old_inputs)), told(plain(request.news))))
        replaces = [p for p in paths if p in ("region", "project")] if self.package in ("aws", "gcp") else []
        return _diff(paths, replaces, first=True)

    def Configure(self, request: Any, context: Any) -> Any:
        self.cloud.asked("configure", f"pulumi:providers:{self.package}", "")
        return provider_pb2.ConfigureResponse(
            acceptSecrets=self.secrets, supportsPreview=True, acceptResources=False, acceptOutputs=False
        )

    def Check(self, request: Any, context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def Diff(self, request: Any, context: Any) -> Any:
        type_, name = _of(request)
        self.cloud.asked("diff", type_, name)
        old, new = told(plain(request.old_inputs)), told(plain(request.news))
        paths = dict(moved(old, new))
        by = REPLACED_BY.get(type_, frozenset())
        replaces = [p for p in paths if ALL in by or _top(p) in by or p in by]
        return _diff(paths, replaces, first=deleted_first(type_, old, new))

    def Create(self, request: Any, context: Any) -> Any:
        type_, name = _of(request)
        inputs = plain(request.properties)
        if request.preview:
            known = foreseen(inputs, self.cloud.preview(type_, name, inputs))
            return provider_pb2.CreateResponse(id="", properties=packed(known))
        made = _answered(context, lambda: self.cloud.create(type_, name, inputs))
        thing, fault = made
        if fault:
            _half_made(context, thing, fault)
        return provider_pb2.CreateResponse(id=thing.id, properties=packed(thing.outputs))

    def Update(self, request: Any, context: Any) -> Any:
        type_, name = _of(request)
        inputs, olds = plain(request.news), plain(request.olds)
        at = key(type_, request.id, olds)
        if request.preview:
            new = _answered(context, lambda: self.cloud.foresee(at, inputs)).outputs
            known = {k: v if olds.get(k) == v else foreseen(inputs.get(k), v) for k, v in new.items()}
            return provider_pb2.UpdateResponse(properties=packed(known))
        thing = _answered(context, lambda: self.cloud.update(name, at, inputs))
        return provider_pb2.UpdateResponse(properties=packed(thing.outputs))

    def Read(self, request: Any, context: Any) -> Any:
        type_, name = _of(request)
        at = key(type_, request.id, plain(request.properties))
        thing = _answered(context, lambda: self.cloud.read(name, at))
        if thing is None:
            return provider_pb2.ReadResponse(id="")
        outputs = packed(thing.outputs)
        return provider_pb2.ReadResponse(id=thing.id, properties=outputs, inputs=request.inputs)

    def Delete(self, request: Any, context: Any) -> Any:
        type_, name = _of(request)
        at = key(type_, request.id, plain(request.properties))
        _answered(context, lambda: self.cloud.delete(name, at))
        return Empty()

    def Invoke(self, request: Any, context: Any) -> Any:
        result = _answered(context, lambda: self.cloud.invoke(request.tok, plain(request.args)))
        return provider_pb2.InvokeResponse(**{"return": packed(result)})  # type: ignore[arg-type]

    def Cancel(self, request: Any, context: Any) -> Any:
        return Empty()


def _diff(paths: Mapping[str, str], replaces: Sequence[str], *, first: bool) -> Any:
    detailed = {
        path: provider_pb2.PropertyDiff(kind=KINDS[kind][path in replaces], inputDiff=True)
        for path, kind in paths.items()
    }
    return provider_pb2.DiffResponse(
        changes=provider_pb2.DiffResponse.DIFF_SOME if paths else provider_pb2.DiffResponse.DIFF_NONE,
        replaces=replaces,
        diffs=sorted({_top(p) for p in paths}),
        detailedDiff=detailed,
        hasDetailedDiff=True,
        deleteBeforeReplace=bool(replaces) and first,
    )


def _top(path: str) -> str:
    """The input that a path is in."""
    return re.split(r"[.\[]", path)[0]


def _answered(context: Any, act: Callable[[], Any]) -> Any:
    """What the cloud says; its refusal becomes the provider's error."""
    try:
        return act()
    except Refused as error:
        context.abort(grpc.StatusCode.UNKNOWN, str(error))
        raise


def _half_made(context: Any, thing: Thing, fault: str) -> None:
    """Tells the engine that the thing is there and is not well: it keeps it and tries again with the next update."""
    detail = Wrapped()
    outputs = packed({k: v for k, v in thing.outputs.items() if k not in LACKING.get(thing.type, ())})
    detail.Pack(
        provider_pb2.ErrorResourceInitFailed(
            id=thing.id, properties=outputs, reasons=[fault], inputs=packed(thing.inputs)
        )
    )
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=fault, details=[detail])
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(grpc.StatusCode.UNKNOWN, fault)


if __name__ == "__main__":
    with plugged_in(Cloud(), Path(sys.argv[1])):
        sys.stdin.read()
