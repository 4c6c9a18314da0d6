"""What the SDK works out for an engine alone, left out of a recording."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import pulumi
from pulumi.runtime import resource as registration
from pulumi.runtime.proto import source_pb2


def leave_out_engine_details() -> ExitStack:
    """Until the stack is closed, the SDK works out neither aliases nor source positions.

    On azure-native, whose resources have an alias for each version of their API, they take half of the time.
    """

    async def no_aliases(*_: Any) -> list[Any]:
        return []

    stack = ExitStack()
    for module, name, substitute in (
        (pulumi.resource, "collapse_alias_to_urn", lambda *_: ""),
        (registration, "prepare_aliases", no_aliases),
        (registration, "_get_stack_trace", source_pb2.StackTrace),
    ):
        stack.callback(setattr, module, name, getattr(module, name))
        setattr(module, name, substitute)
    return stack
