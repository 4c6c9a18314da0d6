"""Stand-ins: made-up outputs for what only a platform computes, equal on every recording."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Outputs = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeResource:
    """A recorded resource: its type, logical name and inputs."""

    type: str
    name: str
    inputs: Mapping[str, Any]

    def input(self, *keys: str) -> str:
        """The first of these inputs that is set, else the logical name."""
        return next((str(self.inputs[k]) for k in keys if self.inputs.get(k)), self.name)

    def hex(self, length: int = 8, salt: str = "") -> str:
        """Hexadecimal digits unique to this resource."""
        return hashlib.sha256(f"{self.type}\0{self.name}\0{salt}".encode()).hexdigest()[:length]

    def number(self, digits: int) -> str:
        """Decimal digits unique to this resource; the first is not zero."""
        return str(int(self.hex(24), 16))[:digits].replace("0", "7", 1) if digits else ""

    def uuid(self, salt: str = "uuid") -> str:
        """A version 4 UUID unique to this resource."""
        h = self.hex(32, salt)
        return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:]}"


FakeOutputs = Callable[[FakeResource], Outputs]


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIns:
    """What a platform computes: outputs by resource type, results by data source token.

    `packages` gives the outputs that every resource of a Pulumi package has; `id` among the outputs is the resource's
    id. A resource's inputs are always among its outputs, so a type needs an entry only for what the platform adds.
    """

    resources: Mapping[str, FakeOutputs] = field(default_factory=dict)
    data_sources: Mapping[str, Callable[[Mapping[str, Any]], Outputs]] = field(default_factory=dict)
    packages: Mapping[str, FakeOutputs] = field(default_factory=dict)

    def __or__(self, other: StandIns) -> StandIns:
        """Both; where both have an entry, the other's."""
        return StandIns(
            resources={**self.resources, **other.resources},
            data_sources={**self.data_sources, **other.data_sources},
            packages={**self.packages, **other.packages},
        )


def canonical(value: object) -> str:
    """A value as text that does not depend on the order of its members."""
    return json.dumps(value, sort_keys=True, default=repr)


def template(**outputs: Any) -> FakeOutputs:
    """Outputs as texts with fields, also inside lists and mappings.

    `{key}` is an input, or the logical name if it is not set. `{hex:17}`, `{number:20}` and `{uuid:salt}` are unique to
    the resource; a second part after a comma is a salt.
    """
    return lambda resource: _fill(outputs, _Fields(resource))


class _Fields(dict[str, Any]):
    def __init__(self, resource: FakeResource) -> None:
        super().__init__({kind: _Unique(getattr(resource, kind)) for kind in ("hex", "number", "uuid")})
        self._resource = resource

    def __missing__(self, key: str) -> str:
        return self._resource.input(key)


@dataclass(frozen=True, slots=True)
class _Unique:
    make: Callable[..., str]

    def __format__(self, spec: str) -> str:
        return self.make(*(int(part) if part.isdecimal() else part for part in spec.split(",") if part))


def _fill(value: Any, fields: _Fields) -> Any:
    if isinstance(value, str):
        return value.format_map(fields)
    if isinstance(value, Mapping):
        return {key: _fill(member, fields) for key, member in value.items()}
    return [_fill(item, fields) for item in value] if isinstance(value, list) else value
