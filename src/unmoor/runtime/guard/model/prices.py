"""The cost of tokens by the price list in genai-prices; nothing is fetched. All amounts are Decimal US dollars.

https://github.com/pydantic/genai-prices
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from unmoor.runtime.clock import Clock
from unmoor.runtime.config import DAY_CAP, RUN_CAP, AgentConfig, Model
from unmoor.runtime.events import Tokens

from .formats import ReportedUsage

# Providers with the same name in the list; any other is found by its address.
PROVIDERS = ("anthropic", "openai", "google", "openrouter")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """The prices of one model."""

    model: Model
    clock: Clock

    def cost(self, usage: ReportedUsage) -> Decimal | None:
        """The cost of this usage today; None if the list has no price."""
        from genai_prices import Usage, calc_price

        try:
            return calc_price(
                Usage(**{unit: count for unit, count in _units(usage).items() if count}),
                self.model.name,
                genai_request_timestamp=self.clock(),
                price_context=dict(usage.terms),
                **_provider(self.model),
            ).total_price
        except LookupError:
            return None


def has_known_price(model: Model) -> bool:
    """Whether the list has a price for this model."""
    from genai_prices.data_snapshot import get_snapshot

    provider = _provider(model)
    try:
        get_snapshot().find_provider_model(
            model.name, None, provider.get("provider_id"), provider.get("provider_api_url")
        )
    except LookupError:
        return False
    return True


def missing_price_problem(agent: AgentConfig) -> str:
    """Why the agent's caps cannot be enforced, and the fix; empty if they can, or if it has none."""
    limits = {RUN_CAP: agent.run.max_cost_usd, DAY_CAP: agent.budget_per_day_usd}
    caps = " and ".join(name for name, limit in limits.items() if limit is not None)
    if agent.model is None or not caps or has_known_price(agent.model):
        return ""
    return (
        f"model: {agent.model.provider} {agent.model.name} has no known price, so {caps} cannot be enforced; "
        f"remove {caps}, or choose a model with a known price"
    )


def _units(usage: ReportedUsage) -> dict[str, int]:
    """The counts under the list's names. Cache reads and writes are part of the input, so the input is at least their
    sum, whatever the provider reports."""
    tokens = usage.tokens or Tokens()
    long = min(usage.long_cache_write, tokens.cache_write)
    return {
        "input_tokens": max(tokens.input, tokens.cached_input + tokens.cache_write),
        "cache_read_tokens": tokens.cached_input,
        "cache_write_tokens": tokens.cache_write,
        "cache_write_1h_tokens": long,
        "cache_write_5m_tokens": tokens.cache_write - long if long else 0,
        "output_tokens": tokens.output,
        "web_searches": usage.searches,
    }


def _provider(model: Model) -> dict[str, Any]:
    if model.provider in PROVIDERS:
        return {"provider_id": model.provider}
    return {"provider_api_url": model.base_url}
