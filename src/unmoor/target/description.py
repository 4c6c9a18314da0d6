"""A target's descriptions of a deployment for people: adjustments, parts, guarantees, limits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from unmoor.quantities import DAY_S, duration_text, size_text, whole_days

from .settings import Settings

Part = Literal[
    "gateway", "run", "guard", "schedules", "email", "secrets", "store", "identity", "logs", "image", "network"
]
# The parts of an agent that every target serves, in display order.
PARTS: tuple[Part, ...] = get_args(Part)
# The topics of the guarantees that the shipped targets are compared by.
TOPICS = {
    "model_key": "the run cannot read the model key",
    "egress": "a run reaches only its egress list",
    "isolation": "one run cannot see another",
    "read_only": "the run's file system outside its workspace is read-only",
    "tls": "everything public is served by TLS",
    "data": "data survives deletion of the stack",
    "missed": "a missed schedule",
    "scale_to_zero": "the gateway scales to zero",
}
Strength = Literal["enforced", "advisory", "absent"]
# The strength, the mechanism and optionally its documentation.
Promise = tuple[Strength, str] | tuple[Strength, str, str]
SHARED_CONTAINER: Promise = ("advisory", "runs share the gateway's container")
MISSED_BY_GATEWAY: Promise = ("advisory", "the gateway follows schedule.missed")


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A requested value that the target replaces with a near one: the spec path, both values, and the reason."""

    path: str
    asked: str
    given: str
    why: str

    def __str__(self) -> str:
        return f"{self.path}: {self.asked} becomes {self.given}; {self.why}"


@dataclass(frozen=True, slots=True)
class PartMapping:
    """What serves one part of the plan, in words, and the resource types that do it."""

    part: Part
    by: str
    types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Guarantee:
    """A promise about one topic: `strength`, the mechanism behind it (`by`), and its documentation (`source`)."""

    topic: str
    strength: Strength
    by: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit of the platform that users may reach: its topic, its value, and its documentation."""

    topic: str
    value: str
    source: str


def describe_parts(**parts: str | tuple[str, ...]) -> list[PartMapping]:
    """A mapping for each part of PARTS: its text, or a tuple of the text and the resource types."""
    found = {name: (part,) if isinstance(part, str) else part for name, part in parts.items()}
    return [PartMapping(part, found[part][0], tuple(found[part][1:])) for part in PARTS]


def describe_guarantees(**promises: Promise) -> list[Guarantee]:
    """A guarantee for each key of TOPICS that is given, in the order given."""
    return [Guarantee(TOPICS[topic], p[0], p[1], p[2] if len(p) == 3 else "") for topic, p in promises.items()]


def data_promise(settings: Settings, retained: str) -> Promise:
    """Whether data survives deletion of the stack; `retained` says what is retained."""
    return ("absent", "destroy_data is set") if settings.destroy_data else ("enforced", f"{retained} retained")


def adjustment(path: str, asked: str, given: str | None, why: str) -> Iterator[Adjustment]:
    """An adjustment if the value is replaced."""
    if given is not None and given != asked:
        yield Adjustment(path, asked, given, why)


def size_adjustment(path: str, asked_mib: int, given_mib: int, why: str) -> Iterator[Adjustment]:
    """An adjustment of a size if it is replaced."""
    yield from adjustment(path, size_text(asked_mib), size_text(given_mib), why)


def retention_adjustment(path: str, seconds: int, days: int | None, why: str) -> Iterator[Adjustment]:
    """An adjustment of a retention time if its days differ; `days` is None if the platform cannot store it so long."""
    given = None if days is None or days * DAY_S == seconds else f"{days}d"
    yield from adjustment(path, duration_text(seconds), given, why)


def run_retention_adjustment(seconds: int, why: str) -> Iterator[Adjustment]:
    """An adjustment of retention.runs if it is rounded up to whole days."""
    yield from retention_adjustment("retention.runs", seconds, whole_days(seconds), why)
