"""Keeps the deployer's folders out of the state.

The SDK sends with each resource the absolute path of every file on the call stack, and the engine writes them into the
state, which machines share; nothing reads them there. There is no option for it, as of pulumi 3.272.
"""

from __future__ import annotations

from pulumi.runtime import resource
from pulumi.runtime.proto import source_pb2


def omit_source_positions() -> None:
    """Registers the resources of this process without their source positions."""
    if hasattr(resource, "_get_stack_trace"):
        setattr(resource, "_get_stack_trace", source_pb2.StackTrace)  # noqa: B010  # replaces a private function
