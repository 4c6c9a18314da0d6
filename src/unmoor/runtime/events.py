"""What happens in a run, in the same words for every harness.

A harness adapter turns a line of its program's output into any of Message, ToolCall, ToolResult, Usage and Notice;
the guard reports Refused, Spent and OverBudget; the run itself begins with Started and ends with Finished. As JSON an
event is one object with `type`, its own fields, and, put there by the journal, `n`, `at` and (where a line of the
harness's made it) `raw`.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Literal, cast

Status = Literal["succeeded", "failed", "timed_out", "cancelled", "over_budget", "lost"]
FINAL_STATUSES: tuple[Status, ...] = ("succeeded", "failed", "timed_out", "cancelled", "over_budget", "lost")


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The run began: with which harness, model and session, and what the fence holds."""

    type: ClassVar[str] = "run.started"
    harness: str
    version: str
    model: str
    session: str
    confinement: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Text of the agent's, whole."""

    type: ClassVar[str] = "message"
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """The agent calls a tool; `input` is JSON text, or empty where the harness does not say."""

    type: ClassVar[str] = "tool.call"
    id: str
    name: str
    input: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """A tool answered; `id` is the call's."""

    type: ClassVar[str] = "tool.result"
    id: str
    output: str
    is_error: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Tokens of one or more requests. `input` counts all input, cached reads and writes included; `output` counts all
    output, reasoning included."""

    input: int = 0
    cached_input: int = 0
    cache_write: int = 0
    output: int = 0
    reasoning: int = 0

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in dataclasses.fields(self)})


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelUsage:
    """What the model was used: by one request as the guard metered it, or as the harness says where nobody metered."""

    type: ClassVar[str] = "usage"
    model: str
    tokens: Tokens
    cost_usd: Decimal | None
    estimated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that people should see: a retry, a warning, an error of the harness's that is not yet the end."""

    type: ClassVar[str] = "notice"
    level: Literal["info", "warning", "error"]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkDenied:
    """The guard refused a way out: what was asked for, and why not."""

    type: ClassVar[str] = "network.refused"
    destination: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetExceeded:
    """A cap is used up; the run ends as over_budget. `cap` is run.max_cost_usd or budget.per_day_usd."""

    type: ClassVar[str] = "budget.exceeded"
    cap: str
    limit_usd: Decimal
    spent_usd: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The run's one end: what became of it, what was used and spent, and the paths of its artifacts."""

    type: ClassVar[str] = "run.finished"
    status: Status
    reason: str
    tokens: Tokens
    cost_usd: Decimal | None
    artifacts: tuple[str, ...]


Event = Started | Message | ToolCall | ToolResult | ModelUsage | Notice | NetworkDenied | BudgetExceeded | Finished
HarnessEvent = Message | ToolCall | ToolResult | ModelUsage | Notice
GuardEvent = ModelUsage | Notice | NetworkDenied | BudgetExceeded


def as_values(event: Event) -> dict[str, Any]:
    """The event as JSON can hold it; money as text, so that nothing is rounded."""
    return {"type": event.type, **_plain(event)}


def as_json(event: Event) -> str:
    """The event as one line of JSON."""
    return json.dumps(as_values(event), ensure_ascii=False, separators=(",", ":"))


def guard_event(values: dict[str, Any]) -> GuardEvent:
    """The guard's event that was sent as these values; ValueError for any other type."""
    fields = {k: v for k, v in values.items() if k != "type"}
    match values.get("type"):
        case ModelUsage.type:
            cost = fields.pop("cost_usd")
            tokens = Tokens(**fields.pop("tokens"))
            return ModelUsage(**fields, tokens=tokens, cost_usd=None if cost is None else Decimal(cost))
        case Notice.type:
            return Notice(**fields)
        case NetworkDenied.type:
            return NetworkDenied(**fields)
        case BudgetExceeded.type:
            return BudgetExceeded(
                cap=fields["cap"], limit_usd=Decimal(fields["limit_usd"]), spent_usd=Decimal(fields["spent_usd"])
            )
        case other:
            raise ValueError(f"{other!r} is no event of the guard's")


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [_plain(v) for v in cast(tuple[Any, ...], value)]
    return str(value) if isinstance(value, Decimal) else value
