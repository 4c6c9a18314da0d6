"""The printed role of who deploys, enforced call by call: a request that it does not allow is refused."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rules import Refused

# The rights that a request needs, by its verb, its type and its inputs.
Calls = Callable[[str, str, Mapping[str, Any]], Sequence[str]]
CALLED = ("create", "update", "read", "delete", "invoke")


@dataclass(slots=True, kw_only=True)
class RoleEnforced:
    """A rule: refuses whatever needs a right that is not `allowed`, in the words of `denied(right)`; `used` are those
    that were needed."""

    calls: Calls
    allowed: Collection[str]
    denied: Callable[[str], str]
    used: set[str] = field(default_factory=set)

    def __call__(self, verb: str, type_: str, name: str, inputs: Mapping[str, Any], cloud: Any) -> None:
        if verb not in CALLED:
            return
        for right in self.calls(verb, type_, inputs):
            self.used.add(right)
            if right not in self.allowed:
                raise Refused(self.denied(right))
