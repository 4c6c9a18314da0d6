"""The events of a run, the same for every harness.

An adapter's reader turns a line of the harness's output into Message, ToolCall, ToolResult, ModelUsage and Notice. The
guard emits ModelUsage, Notice, NetworkDenied and BudgetExceeded, and for the runner alone ModelAnswer. A run begins
with Started and ends with Finished. In JSON an event is an object with `type`, its own fields, and from the event log
`n`, `at` and, for an event from a line of the harness, `raw`.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Literal

Status = Literal["succeeded", "failed", "timed_out", "cancelled", "over_budget", "lost"]
# `cancelled`: nobody waited for the answer, or the guard cut it; `failed`: there is no answer.
Finish = Literal["complete", "length", "refused", "empty", "broken", "failed", "cancelled"]
_PROBLEMS = {
    "length": "was cut off at its length limit ({})",
    "refused": "was refused or filtered ({})",
    "empty": "is empty ({})",
    "broken": "broke off before its end ({})",
    "failed": "failed ({})",
}
FINAL_STATUSES: tuple[Status, ...] = ("succeeded", "failed", "timed_out", "cancelled", "over_budget", "lost")


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The run has started: its harness, model and session, and the sandbox's report."""

    type: ClassVar[str] = "run.started"
    harness: str
    version: str
    model: str
    session: str
    confinement: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A whole message of the agent."""

    type: ClassVar[str] = "message"
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """The agent calls a tool; `input` is JSON text, or empty if the harness does not report it."""

    type: ClassVar[str] = "tool.call"
    id: str
    name: str
    input: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """A tool's result; `id` is the call's."""

    type: ClassVar[str] = "tool.result"
    id: str
    output: str
    is_error: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Tokens of one or more requests. `input` includes cache reads and writes; `output` includes reasoning."""

    input: int = 0
    cached_input: int = 0
    cache_write: int = 0
    output: int = 0
    reasoning: int = 0

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in dataclasses.fields(self)})


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelUsage:
    """The usage of a model: by one request as the guard metered it, or as the harness reports it without a meter."""

    type: ClassVar[str] = "usage"
    model: str
    tokens: Tokens
    cost_usd: Decimal | None
    estimated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelAnswer:
    """How a model request ended; for the runner, and not in a run's events. `detail` is the provider's own word for it,
    or the reason of a failure."""

    type: ClassVar[str] = "model.answer"
    finish: Finish
    detail: str

    @property
    def problem(self) -> str:
        """What is wrong with the answer; empty for one that is complete, or that nobody waited for."""
        return _PROBLEMS.get(self.finish, "").format(self.detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that a user should see: a retry, a warning, an error of the harness that does not end the run."""

    type: ClassVar[str] = "notice"
    level: Literal["info", "warning", "error"]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkDenied:
    """The guard refused a connection or request: its destination, and the reason."""

    type: ClassVar[str] = "network.refused"
    destination: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetExceeded:
    """A cap is exceeded; the run ends as over_budget. `cap` is run.max_cost_usd or budget.per_day_usd."""

    type: ClassVar[str] = "budget.exceeded"
    cap: str
    limit_usd: Decimal
    spent_usd: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The run has ended: its status and reason, the usage and cost, and the paths of its artifacts."""

    type: ClassVar[str] = "run.finished"
    status: Status
    reason: str
    tokens: Tokens
    cost_usd: Decimal | None
    artifacts: tuple[str, ...]


Event = Started | Message | ToolCall | ToolResult | ModelUsage | Notice | NetworkDenied | BudgetExceeded | Finished
HarnessEvent = Message | ToolCall | ToolResult | ModelUsage | Notice
GuardEvent = ModelUsage | ModelAnswer | Notice | NetworkDenied | BudgetExceeded


_GUARD_EVENTS = {kind.type: kind for kind in (ModelUsage, ModelAnswer, Notice, NetworkDenied, BudgetExceeded)}
_AMOUNTS = ("cost_usd", "limit_usd", "spent_usd")


def as_values(event: Event | GuardEvent) -> dict[str, Any]:
    """The event for JSON; amounts are texts, so that none is rounded."""
    return {"type": event.type, **dataclasses.asdict(event, dict_factory=_json_members)}


def as_json(event: Event | GuardEvent) -> str:
    """The event as one line of JSON."""
    return json.dumps(as_values(event), ensure_ascii=False, separators=(",", ":"))


def guard_event(values: Mapping[str, Any]) -> GuardEvent:
    """The guard's event with these values; ValueError for any other type."""
    kind = _GUARD_EVENTS.get(values.get("type", ""))
    if kind is None:
        raise ValueError(f"{values.get('type')!r} is not an event of the guard")
    members = {name: value for name, value in values.items() if name != "type"}
    if "tokens" in members:
        members["tokens"] = Tokens(**members["tokens"])
    amounts = {name: Decimal(members[name]) for name in _AMOUNTS if members.get(name) is not None}
    return kind(**{**members, **amounts})


def _json_members(members: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name: _json_value(value) for name, value in members}


def _json_value(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    return list(value) if isinstance(value, tuple) else value
