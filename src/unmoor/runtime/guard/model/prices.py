"""What tokens cost, by the price list that genai-prices brings along; nothing is fetched.

https://github.com/pydantic/genai-prices. All in Decimal US dollars.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from unmoor.runtime.config import DAY_CAP, RUN_CAP, AgentConfig, Model
from unmoor.runtime.events import Tokens

from .formats import ReportedUsage

# How the list names the providers whose names are not ours; any other is found by its address.
PROVIDERS = ("anthropic", "openai", "google", "openrouter")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """The prices of one model; without any where the list does not know it."""

    model: Model
    clock: Callable[[], datetime]

    def cost(self, said: ReportedUsage) -> Decimal | None:
        """What these tokens cost today; None where no price is known."""
        from genai_prices import Usage, calc_price

        try:
            return calc_price(
                Usage(**{unit: count for unit, count in _units(said).items() if count}),
                self.model.name,
                genai_request_timestamp=self.clock(),
                price_context=dict(said.terms),
                **_whose(self.model),
            ).total_price
        except LookupError:
            return None


def has_known_price(model: Model) -> bool:
    """Whether the list knows what this model's tokens cost."""
    from genai_prices.data_snapshot import get_snapshot

    whose = _whose(model)
    try:
        get_snapshot().find_provider_model(model.name, None, whose.get("provider_id"), whose.get("provider_api_url"))
    except LookupError:
        return False
    return True


def missing_price_problem(agent: AgentConfig) -> str:
    """Why the agent's caps cannot be kept, and what to do; empty where they can, or where there are none."""
    caps = [
        name
        for name, cap in (
            (RUN_CAP, agent.run.max_cost_usd),
            (DAY_CAP, agent.budget_per_day_usd),
        )
        if cap is not None
    ]
    if agent.model is None or not caps or has_known_price(agent.model):
        return ""
    which = " and ".join(caps)
    return (
        f"model: no price is known for {agent.model.provider} {agent.model.name}, so {which} cannot be kept; "
        f"remove {which}, or choose a model whose price is known"
    )


def _units(said: ReportedUsage) -> dict[str, int]:
    """The counts as the list names them. What was read from and written to the cache is part of the input: where a
    provider says otherwise the input is at least that."""
    tokens = said.tokens or Tokens()
    long = min(said.long_cache_write, tokens.cache_write)
    return {
        "input_tokens": max(tokens.input, tokens.cached_input + tokens.cache_write),
        "cache_read_tokens": tokens.cached_input,
        "cache_write_tokens": tokens.cache_write,
        "cache_write_1h_tokens": long,
        "cache_write_5m_tokens": tokens.cache_write - long if long else 0,
        "output_tokens": tokens.output,
        "web_searches": said.searches,
    }


def _whose(model: Model) -> dict[str, Any]:
    if model.provider in PROVIDERS:
        return {"provider_id": model.provider}
    return {"provider_api_url": model.base_url}
