"""Runs a Pulumi program without an engine and keeps what it would have registered.

The SDK is given a monitor that answers from memory. Inputs are what the SDK would send, after any transform that the
program registered has been run on them; computed outputs are stand-ins of the right shape (unmoor.recording.stand_ins).
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
from google.protobuf.struct_pb2 import Struct, Value
from pulumi.runtime import mocks, rpc, set_mocks
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.settings import reset_options, set_root_resource
from pulumi.runtime.stack import run_in_stack
from pulumi.runtime.sync_await import _ensure_event_loop, _sync_await

from unmoor.errors import UnmoorError
from unmoor.graph import SECRET, Resource, leaf_paths
from unmoor.recording.engine_details import leave_out_engine_details
from unmoor.recording.stand_ins import UNSET, fake_invoke, fake_outputs

# How the SDK marks values that are more than themselves: pulumi/runtime/rpc.py.
SIGNATURE = rpc._special_sig_key
SECRET_SIGNATURE = rpc._special_secret_sig
ASSET_SIGNATURE = rpc._special_asset_sig
ARCHIVE_SIGNATURE = rpc._special_archive_sig
TURNED_TO_TEXT = "Calling __str__ on an Output"


class RecordError(UnmoorError):
    """The program asked for something that no cloud could be asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What a program registered, what it exported, and every text that it would send outside a secret wrapper."""

    resources: tuple[Resource, ...]
    outputs: Mapping[str, Any]
    plain_texts: tuple[str, ...]


def record(
    program: Callable[[], Any], *, project: str = "unmoor", stack: str = "test", preview: bool = False
) -> Recording:
    """The resources that the program makes. Whatever it raises, inside an apply too, is raised here.

    RecordError if an output was turned to text, or an input is made of a computed output that has no stand-in.
    """
    os.environ["PULUMI_ERROR_OUTPUT_STRING"] = "1"
    reset_options()
    monitor = _Monitor(_StandIns())
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    answers = ThreadPoolExecutor(max_workers=1)
    loop.set_default_executor(answers)
    details = leave_out_engine_details()
    try:
        set_mocks(_StandIns(), project=project, stack=stack, preview=preview, monitor=monitor)
        set_root_resource(None)  # type: ignore[arg-type]  # run_in_stack makes one, which takes the exports
        loop.run_until_complete(run_in_stack(program))
    finally:
        details.close()
        _end(loop, answers)
        asyncio.set_event_loop(None)
        reset_options()
    return monitor.recording()


def _end(loop: asyncio.AbstractEventLoop, answers: ThreadPoolExecutor) -> None:
    """Closes both loops: the program's, and the one that the SDK made in the thread in which the monitor answered.

    Where the program failed, what waited for the rest of it is ended in silence: its error is raised already.
    """
    waiting = asyncio.all_tasks(loop)
    for task in waiting:
        task.cancel()
    if waiting:
        loop.run_until_complete(asyncio.gather(*waiting, return_exceptions=True))
    answers.submit(_close_own_loop).result()
    answers.shutdown()
    loop.close()


def _close_own_loop() -> None:
    _ensure_event_loop()
    asyncio.get_event_loop_policy().get_event_loop().close()
    asyncio.set_event_loop(None)


class _StandIns(mocks.Mocks):
    """Answers for the cloud: an id and computed outputs for each resource, and a result for each data source."""

    def call(self, args: mocks.MockCallArgs) -> Any:
        return fake_invoke(args.token, args.args)

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        return fake_outputs(args.typ, args.name, args.inputs)


class _Monitor(mocks.MockMonitor):
    """Keeps every request, after the transforms that an engine would have run on it."""

    def __init__(self, stand_ins: mocks.Mocks) -> None:
        super().__init__(stand_ins)
        self.requests: list[tuple[resource_pb2.RegisterResourceRequest, dict[str, Any], tuple[str, ...]]] = []
        self.outputs: dict[str, Any] = {}
        self.keys: dict[str, tuple[str, str]] = {}

    def RegisterResource(self, request: Any) -> Any:
        if request.type == "pulumi:pulumi:Stack":
            return super().RegisterResource(request)
        before = _decoded(request.object)
        self._transform(request)
        after = _decoded(request.object)
        self.requests.append((request, after, _changed_paths(_shown(before), _shown(after))))
        response = super().RegisterResource(request)
        for name in request.additionalSecretOutputs:
            _hide(response.object, name)
        self.keys[response.urn] = (request.type, request.name)
        return response

    def RegisterResourceOutputs(self, request: Any) -> Any:
        if request.urn.split("::")[2] == "pulumi:pulumi:Stack":
            self.outputs = {k: _shown(v) for k, v in _decoded(request.outputs).items()}
        return super().RegisterResourceOutputs(request)

    def recording(self) -> Recording:
        resources = tuple(sorted((self._resource(*kept) for kept in self.requests), key=lambda r: r.key))
        plain = sorted({text for _, inputs, _ in self.requests for text in _plain_texts(inputs)})
        return Recording(resources=resources, outputs=dict(sorted(self.outputs.items())), plain_texts=tuple(plain))

    def _transform(self, request: Any) -> None:
        """Runs the program's stack transforms on a request, as an engine does before anything else sees it."""
        for transform in self._stack_transforms:
            args = pulumi.ResourceTransformArgs(
                custom=request.custom,
                type_=request.type,
                name=request.name,
                props=rpc.deserialize_properties(request.object, keep_unknowns=True),
                opts=pulumi.ResourceOptions(),
            )
            result = transform(args)
            if result is not None:
                _ensure_event_loop()
                changed = _sync_await(rpc.serialize_properties(dict(result.props), {}))  # type: ignore[union-attr]
                request.object.CopyFrom(changed)

    def _resource(self, request: Any, inputs: dict[str, Any], changed: tuple[str, ...]) -> Resource:
        shown = _shown(inputs)
        self._refuse_unset(request, shown)
        return Resource(
            type=request.type,
            name=request.name,
            parent=self._parent(request.parent),
            inputs=shown,
            depends_on=self._dependencies(request),
            retained=bool(request.retainOnDelete),
            overridden=changed,
        )

    def _refuse_unset(self, request: Any, shown: Mapping[str, Any]) -> None:
        """An output that has no stand-in would reach the cloud as nothing, or as a text that means nothing."""
        for path, value in leaf_paths(shown):
            if TURNED_TO_TEXT in value:
                raise RecordError(f"{request.type} {request.name}: {path} holds an Output that was turned to text")
            if unset := UNSET.search(value):
                rule = f"{path} is made of {unset[2]} of {unset[1]}, which has no stand-in"
                raise RecordError(f"{request.type} {request.name}: {rule}; add it to unmoor.recording.stand_ins")

    def _parent(self, urn: str) -> str | None:
        return None if not urn or urn.split("::")[2] == "pulumi:pulumi:Stack" else urn.split("::")[-1]

    def _dependencies(self, request: Any) -> tuple[tuple[str, str], ...]:
        urns: set[str] = set(request.dependencies)
        for listed in request.propertyDependencies.values():
            urns |= set(listed.urns)
        return tuple(sorted({self.keys[u] for u in urns if u in self.keys} - {(request.type, request.name)}))


def _hide(outputs: Struct, name: str) -> None:
    """Wraps an output as a secret, as an engine does for those that the SDK asks to be hidden."""
    if name in outputs.fields:
        value = outputs.fields[name]
        wrapper = Struct(fields={SIGNATURE: Value(string_value=SECRET_SIGNATURE), "value": value})
        outputs.fields[name].CopyFrom(Value(struct_value=wrapper))


@dataclass(frozen=True, slots=True)
class _Secret:
    """A value that is sent inside a secret wrapper."""

    value: Any


@dataclass(frozen=True, slots=True)
class _Asset:
    """A file, or a text, that is sent by its content."""

    sha256: str


def _decoded(value: Any) -> Any:
    """A protobuf value as it was sent; the SDK's own reader moves a secret's wrapper out to what holds it."""
    if isinstance(value, Struct):
        members = {key: _decoded(member) for key, member in value.fields.items()}
        return _special(members) if SIGNATURE in members else members
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return _decoded(value.struct_value)
    if kind == "list_value":
        return [_decoded(item) for item in value.list_value.values]
    return None if kind in (None, "null_value") else getattr(value, kind)


def _special(members: dict[str, Any]) -> Any:
    signature = members[SIGNATURE]
    if signature == SECRET_SIGNATURE:
        return _Secret(members.get("value"))
    if signature in (ASSET_SIGNATURE, ARCHIVE_SIGNATURE):
        path = members.get("path")
        content = Path(path).read_bytes() if path else str(members.get("text", members.get("assets", ""))).encode()
        return _Asset(hashlib.sha256(content).hexdigest())
    return members


def _shown(value: Any) -> Any:
    """A value as the graph shows it: secrets hidden, assets by their content, nulls left out, whole floats as ints."""
    if isinstance(value, _Secret):
        return SECRET
    if isinstance(value, _Asset):
        return {SIGNATURE: ASSET_SIGNATURE, "hash": value.sha256}
    if isinstance(value, Mapping):
        return {k: _shown(v) for k, v in sorted(value.items()) if v is not None}
    if isinstance(value, list):
        return [_shown(v) for v in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _plain_texts(value: Any) -> Iterable[str]:
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _plain_texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _plain_texts(item)
    elif isinstance(value, str):
        yield value


def _changed_paths(before: Any, after: Any) -> tuple[str, ...]:
    old, new = dict(leaf_paths(before)), dict(leaf_paths(after))
    return tuple(sorted(path for path in old.keys() | new.keys() if old.get(path) != new.get(path)))
