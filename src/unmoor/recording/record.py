"""Runs a Pulumi program without an engine and records the resources that it registers.

The SDK uses a monitor that answers from memory. Inputs are those that the SDK would send, after the program's
transforms; computed outputs are stand-ins of the right shape (unmoor.target.stand_ins).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi.runtime import mocks, rpc, set_mocks
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.settings import reset_options, set_root_resource
from pulumi.runtime.stack import run_in_stack
from pulumi.runtime.sync_await import _ensure_event_loop, _sync_await

from unmoor.errors import UnmoorError
from unmoor.graph import Resource, leaf_paths
from unmoor.recording.common_stand_ins import COMMON
from unmoor.recording.engine_details import leave_out_engine_details
from unmoor.recording.sent_values import changed_paths, decode, plain_texts, render, wrap_secret
from unmoor.recording.stand_ins import UNSET, fake_invoke, fake_outputs
from unmoor.target.stand_ins import FakeResource, StandIns

TURNED_TO_TEXT = "Calling __str__ on an Output"


class RecordError(UnmoorError):
    """The program used a value that cannot be sent to a cloud."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A program's resources and outputs, and every text that it would send outside a secret wrapper."""

    resources: tuple[Resource, ...]
    outputs: Mapping[str, Any]
    plain_texts: tuple[str, ...]


def record(
    program: Callable[[], Any],
    *,
    stand_ins: StandIns = COMMON,
    project: str = "unmoor",
    stack: str = "test",
    preview: bool = False,
) -> Recording:
    """The resources that the program registers. Its errors are raised here, those inside an apply too.

    RecordError if an output was converted to text, or an input uses a computed output without a stand-in.
    """
    os.environ["PULUMI_ERROR_OUTPUT_STRING"] = "1"
    reset_options()
    platform = _Platform(stand_ins)
    monitor = _Monitor(platform)
    loop = asyncio.new_event_loop()
    # The first error is raised; each resource that failed for want of its result would print a traceback of its own.
    loop.set_exception_handler(lambda _loop, _context: None)
    asyncio.set_event_loop(loop)
    answers = ThreadPoolExecutor(max_workers=1)
    loop.set_default_executor(answers)
    details = leave_out_engine_details()
    try:
        set_mocks(platform, project=project, stack=stack, preview=preview, monitor=monitor)
        set_root_resource(None)  # type: ignore[arg-type]  # run_in_stack makes one, which takes the exports
        loop.run_until_complete(run_in_stack(program))
    finally:
        details.close()
        _end(loop, answers)
        asyncio.set_event_loop(None)
        reset_options()
    return monitor.recording()


def _end(loop: asyncio.AbstractEventLoop, answers: ThreadPoolExecutor) -> None:
    """Close both event loops: the program's, and the one that the SDK created in the monitor's thread.

    If the program failed, its pending tasks are cancelled silently, since its error is already raised.
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


class _Platform(mocks.Mocks):
    """Answers as the platform would: an id and outputs for each resource, and a result for each data source."""

    def __init__(self, stand_ins: StandIns) -> None:
        self._stand_ins = stand_ins

    def call(self, args: mocks.MockCallArgs) -> Any:
        return fake_invoke(self._stand_ins, args.token, args.args)

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        return fake_outputs(self._stand_ins, FakeResource(type=args.typ, name=args.name, inputs=args.inputs))


class _Monitor(mocks.MockMonitor):
    """Records every request, after the transforms that an engine would run."""

    def __init__(self, stand_ins: mocks.Mocks) -> None:
        super().__init__(stand_ins)
        self.requests: list[tuple[resource_pb2.RegisterResourceRequest, dict[str, Any], tuple[str, ...]]] = []
        self.outputs: dict[str, Any] = {}
        self.keys: dict[str, tuple[str, str]] = {}

    def RegisterResource(self, request: Any) -> Any:
        if request.type == "pulumi:pulumi:Stack":
            return super().RegisterResource(request)
        before = decode(request.object)
        self._transform(request)
        after = decode(request.object)
        self.requests.append((request, after, changed_paths(render(before), render(after))))
        response = super().RegisterResource(request)
        for name in request.additionalSecretOutputs:
            wrap_secret(response.object, name)
        self.keys[response.urn] = (request.type, request.name)
        return response

    def RegisterResourceOutputs(self, request: Any) -> Any:
        if request.urn.split("::")[2] == "pulumi:pulumi:Stack":
            self.outputs = {k: render(v) for k, v in decode(request.outputs).items()}
        return super().RegisterResourceOutputs(request)

    def recording(self) -> Recording:
        resources = tuple(sorted((self._resource(*request) for request in self.requests), key=lambda r: r.key))
        plain = sorted({text for _, inputs, _ in self.requests for text in plain_texts(inputs)})
        return Recording(resources=resources, outputs=dict(sorted(self.outputs.items())), plain_texts=tuple(plain))

    def _transform(self, request: Any) -> None:
        """Run the program's stack transforms on a request, as an engine does first."""
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
        shown = render(inputs)
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
        """RecordError for an output without a stand-in, which would reach the cloud empty or as meaningless text."""
        for path, value in leaf_paths(shown):
            if TURNED_TO_TEXT in value:
                raise RecordError(
                    f"{request.type} {request.name}: {path} contains an Output that was converted to text"
                )
            if unset := UNSET.search(value):
                rule = f"{path} uses {unset[2]} of {unset[1]}, which has no stand-in"
                raise RecordError(f"{request.type} {request.name}: {rule}; add it to the target's stand_ins_by")

    def _parent(self, urn: str) -> str | None:
        return None if not urn or urn.split("::")[2] == "pulumi:pulumi:Stack" else urn.split("::")[-1]

    def _dependencies(self, request: Any) -> tuple[tuple[str, str], ...]:
        urns: set[str] = set(request.dependencies)
        for listed in request.propertyDependencies.values():
            urns |= set(listed.urns)
        return tuple(sorted({self.keys[u] for u in urns if u in self.keys} - {(request.type, request.name)}))
