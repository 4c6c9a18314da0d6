"""What a bridged provider calls a change: what it has read of the world, against what is asked for.

As the Terraform provider below pulumi-docker has it; a field that is not among `in_place` makes a new resource.
https://github.com/kreuzwerker/terraform-provider-docker/blob/v4.5.0/internal/provider/resource_docker_container.go
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from frame import Change, Values
from values import UNKNOWN

Seen = Callable[[str, Any], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """A type's fields: all that it has; those that change in place; those that are read from the world; those that
    the world decides where they are not asked for; those whose order means nothing; what they are without a word."""

    all: Collection[str]
    in_place: Collection[str] = ()
    read: Collection[str] = ()
    left_to_docker: Collection[str] = ()
    unordered: Collection[str] = ()
    defaults: Mapping[str, Any]

    def checked(self, inputs: Values, kind: str) -> Values:
        """The inputs with what they are without a word; an error for one that this provider does not know."""
        if unknown := sorted(inputs.keys() - set(self.all)):
            raise ValueError(f"the tests' provider does not know {', '.join(unknown)} of {kind}")
        return {**self.defaults, **inputs}

    def change(self, state: Values, before: Values, after: Values, *, delete_first: bool) -> Change:
        """What differs, in the order of names."""
        differs = tuple(sorted(k for k in self.all if self._differs(k, state, before, after)))
        replaces = tuple(k for k in differs if k not in self.in_place)
        return Change(paths=differs, replaces=replaces, delete_first=delete_first)

    def _differs(self, key: str, state: Values, before: Values, after: Values) -> bool:
        if key not in self.read:
            return self._plain(key, before.get(key)) != self._plain(key, after.get(key))
        if key not in after and key in self.left_to_docker:
            return False
        return self._plain(key, state.get(key)) != self._plain(key, after.get(key))

    def _plain(self, key: str, value: Any) -> Any:
        """Comparable: nothing, zero, no time and empty are one to the provider, and sets have no order."""
        if value == UNKNOWN:
            return value
        value = _without_nothing(value)
        if key in self.unordered and isinstance(value, list):
            return sorted(value, key=lambda v: json.dumps(v, sort_keys=True))
        return value


def _without_nothing(value: Any) -> Any:
    if isinstance(value, Mapping):
        kept = {k: _without_nothing(v) for k, v in value.items()}
        return {k: v for k, v in kept.items() if v is not None} or None
    if isinstance(value, list):
        return [_without_nothing(v) for v in value] or None
    return None if value == "0s" else value or None
