"""What an engine tells while it works, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

# What is done to a resource. `replace` is one that is made anew: `create-replacement` and `delete-replaced` are its
# halves. `keep` is one that leaves the state while the thing itself stays.
Op = Literal["same", "create", "update", "delete", "replace", "create-replacement", "delete-replaced", "keep", "read"]
# What is nothing that is done to a resource.
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
    """What is done to one resource, how far it is, and because of which properties; `id` is what its cloud calls it."""

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
        """What tells the resource from every other of the stack."""
        return (self.type, self.name)

    @property
    def is_applied(self) -> bool:
        """Whether something has been done to the resource, and is done."""
        return self.phase == "done" and self.op not in NOTHING

    @property
    def kind(self) -> str:
        """The last part of its type, such as `TaskDefinition`."""
        return self.type.rsplit(":", 1)[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """A message of the engine or of a provider; type and name are empty where it concerns no resource."""

    severity: Literal["info", "warning", "error"]
    text: str
    type: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """How many resources met which end, and how long it took, in whole seconds."""

    counts: Mapping[str, int] = field(default_factory=dict[str, int])
    seconds: int = 0


Event = ResourceStep | Diagnostic | Summary
