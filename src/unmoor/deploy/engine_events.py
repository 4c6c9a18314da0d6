"""The events of an engine, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

# The operation on a resource. `create-replacement` and `delete-replaced` are the halves of `replace`. `keep` removes a
# resource from the state and leaves it in the cloud.
Op = Literal["same", "create", "update", "delete", "replace", "create-replacement", "delete-replaced", "keep", "read"]
# Operations that change nothing.
NOTHING = ("same", "read")
Phase = Literal["planned", "started", "done", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertyDiff:
    """One property that differs: its path, and both values, a secret's as `[secret]`; None is an absent value."""

    path: str
    before: Any = None
    after: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceStep:
    """An operation on one resource, its phase, and the properties that cause it; `id` is its id in the cloud."""

    op: Op
    phase: Phase
    type: str
    name: str
    changed: tuple[PropertyDiff, ...] = ()
    diff_paths: tuple[str, ...] = ()
    retained: bool = False
    id: str = ""

    @property
    def key(self) -> tuple[str, str]:
        return (self.type, self.name)

    @property
    def is_applied(self) -> bool:
        return self.phase == "done" and self.op not in NOTHING

    @property
    def kind(self) -> str:
        """The last part of its type, such as `TaskDefinition`."""
        return self.type.rsplit(":", 1)[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """A message of the engine or a provider; type and name are empty if it concerns no resource."""

    severity: Literal["info", "warning", "error"]
    text: str
    type: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The number of resources for each operation, and the duration in whole seconds."""

    counts: Mapping[str, int] = field(default_factory=dict[str, int])
    seconds: int = 0


Event = ResourceStep | Diagnostic | Summary
