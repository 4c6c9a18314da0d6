"""What a run has used and spent, added up from what the guard says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from unmoor.runtime.events import BudgetExceeded, GuardEvent, ModelUsage, Tokens

from .stop import Stop


@dataclass(slots=True)
class RunSpending:
    """Takes the guard's events: counts them, hands them on, and stops a run whose cap is used up."""

    stop: Stop
    hand_on: Callable[[GuardEvent], None]
    tokens: Tokens = field(default_factory=Tokens)
    requests: int = 0
    cost_usd: Decimal | None = None
    over: BudgetExceeded | None = None

    def on_guard_event(self, event: GuardEvent) -> None:
        """One event of the guard's."""
        self.hand_on(event)
        if isinstance(event, ModelUsage):
            self.requests += 1
            self.tokens += event.tokens
            if event.cost_usd is not None:
                self.cost_usd = (self.cost_usd or Decimal(0)) + event.cost_usd
        elif isinstance(event, BudgetExceeded) and self.over is None:
            self.over = event
            self.stop.request("over_budget")
