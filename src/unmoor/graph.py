from __future__ import annotations
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    type: str
    name: str
    parent: str | None
    inputs: Mapping[str, Any]
