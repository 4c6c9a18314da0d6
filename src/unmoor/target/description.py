"""What a target tells people about a plan: adjustments, parts, guarantees, limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# The parts of an agent that every target serves, in display order.
PARTS = (
    "gateway",
    "run",
    "guard",
    "schedules",
    "email",
    "secrets",
    "store",
    "identity",
    "logs",
    "image",
    "network",
)
Part = Literal[
    "gateway", "run", "guard", "schedules", "email", "secrets", "store", "identity", "logs", "image", "network"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """A requested value that the target replaces with a near one: the spec path, both values, and the reason."""

    path: str
    asked: str
    given: str
    why: str

    def __str__(self) -> str:
        return f"{self.path}: {self.asked} becomes {self.given}; {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartMapping:
    """What serves one part of the plan, in words, and the resource types that do it."""

    part: Part
    by: str
    types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarantee:
    """A promise about one topic: `strength`, the mechanism behind it (`by`), and its documentation (`source`)."""

    topic: str
    strength: Literal["enforced", "advisory", "absent"]
    by: str
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A limit of the platform that users may reach: its topic, its value, and its documentation."""

    topic: str
    value: str
    source: str
