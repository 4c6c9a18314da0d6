"""One resource of a recorded program, and the account that it is recorded in: equal on every run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ACCOUNT = "123456789012"
ZONES = ("a", "b", "c")


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeResource:
    """A resource that was asked for: its type, logical name and inputs."""

    type: str
    name: str
    inputs: Mapping[str, Any]

    def input(self, *keys: str) -> str:
        """The first of these inputs that was given, else the logical name."""
        return next((str(self.inputs[k]) for k in keys if self.inputs.get(k)), self.name)

    def hex(self, length: int = 8, salt: str = "") -> str:
        """Hexadecimal digits that are this resource's own."""
        return hashlib.sha256(f"{self.type}\0{self.name}\0{salt}".encode()).hexdigest()[:length]

    def number(self, digits: int) -> str:
        """Decimal digits that are this resource's own; the first is no zero."""
        return str(int(self.hex(24), 16))[:digits].replace("0", "7", 1) if digits else ""

    def uuid(self, salt: str = "uuid") -> str:
        """A version 4 UUID that is this resource's own."""
        h = self.hex(32, salt)
        return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:]}"


Outputs = dict[str, Any]


def canonical(value: object) -> str:
    """A value as text that does not depend on the order in which its members arrived."""
    return json.dumps(value, sort_keys=True, default=repr)
