"""What a cloud in memory refuses: the hook that the rules of each cloud are written for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class Refused(Exception):
    """The cloud does not do what it was asked for; its text is what the provider would say."""


class Gone(Refused):
    """A refusal that the provider takes for the thing's absence: a read raises it, and the engine drops the resource."""


class Rule(Protocol):
    """A behavior of one cloud, with its source in the docstring: raises Refused where that cloud would refuse.

    `verb` is create, update, delete, read, diff or invoke, `type_` a type or an invoke's token. `inputs` are the new
    ones of a create or an update, those that a read or a delete finds, and an invoke's arguments. `cloud` is the
    `Cloud` itself, for the rules that depend on what exists or was asked before.
    """

    def __call__(self, verb: str, type_: str, name: str, inputs: Mapping[str, Any], cloud: Any) -> None: ...
