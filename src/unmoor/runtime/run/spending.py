"""A run's usage and cost, summed from the guard's events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from unmoor.runtime.events import BudgetExceeded, Event, GuardEvent, ModelAnswer, ModelUsage, Tokens

from .model_answers import ModelAnswers
from .stop import Stop


@dataclass(slots=True)
class RunSpending:
    """Counts and forwards the guard's events, and stops a run that has used up a cap."""

    stop: Stop
    forward: Callable[[Event], None]
    answers: ModelAnswers
    tokens: Tokens = field(default_factory=Tokens)
    requests: int = 0
    cost_usd: Decimal | None = None
    over: BudgetExceeded | None = None

    def on_guard_event(self, event: GuardEvent) -> None:
        if isinstance(event, ModelAnswer):
            return self.answers.add(event)
        self.forward(event)
        if isinstance(event, ModelUsage):
            self.requests += 1
            self.tokens += event.tokens
            if event.cost_usd is not None:
                self.cost_usd = (self.cost_usd or Decimal(0)) + event.cost_usd
        elif isinstance(event, BudgetExceeded) and self.over is None:
            self.over = event
            self.stop.request("over_budget")
