"""The cost of tokens by the price list in genai-prices; nothing is fetched. All amounts are Decimal US dollars.

https://github.com/pydantic/genai-prices
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from unmoor.runtime.clock import Clock
from unmoor.runtime.config import DAY_CAP, RUN_CAP, AgentConfig, Model
from unmoor.runtime.events import Tokens

from .formats import ReportedUsage

# Providers with the same name in the list; any other is found by its address.
PROVIDERS = ("anthropic", "openai", "google", "openrouter")
# All tokens of a request that runs in the United States only cost this much more, which the list does not have:
# https://platform.claude.com/docs/en/manage-claude/data-residency#pricing
US_ONLY = Decimal("1.1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """The prices of one model."""

    model: Model
    clock: Clock

    def cost(self, usage: ReportedUsage) -> Decimal | None:
        """The cost of this usage today; None if the list has no price."""
        if dict(usage.terms).get("inference_geo") != "us":
            return self._listed(usage)
        tokens, searches = self._listed(replace(usage, searches=0)), replace(usage, tokens=None)
        return None if tokens is None else tokens * US_ONLY + (self._listed(searches) or 0)

    def _listed(self, usage: ReportedUsage) -> Decimal | None:
        from genai_prices import Usage, calc_price

        try:
            return calc_price(
                Usage(**_units(usage)),
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
    """The counts under the list's names, those of no tokens left out. Cache reads and writes are part of the input, so
    the input is at least their sum, whatever the provider reports."""
    tokens = usage.tokens or Tokens()
    long = min(usage.long_cache_write, tokens.cache_write)
    counts = {
        "input_tokens": max(tokens.input, tokens.cached_input + tokens.cache_write),
        "cache_read_tokens": tokens.cached_input,
        "cache_write_tokens": tokens.cache_write,
        "cache_write_1h_tokens": long,
        "cache_write_5m_tokens": tokens.cache_write - long if long else 0,
        "output_tokens": tokens.output,
        "output_audio_tokens": min(usage.output_audio, tokens.output),
        "web_searches": usage.searches,
    }
    return {**{unit: count for unit, count in counts.items() if count}, **_audio_units(usage, tokens)}


def _audio_units(usage: ReportedUsage, tokens: Tokens) -> dict[str, int]:
    """The sound in the input; the list requires both counts where there is any."""
    if not usage.input_audio:
        return {}
    cached = min(usage.cached_audio, tokens.cached_input, usage.input_audio)
    fresh = min(usage.input_audio - cached, max(tokens.input - tokens.cached_input - tokens.cache_write, 0))
    return {"input_audio_tokens": cached + fresh, "cache_audio_read_tokens": cached}


def _provider(model: Model) -> dict[str, Any]:
    if model.provider in PROVIDERS:
        return {"provider_id": model.provider}
    return {"provider_api_url": model.base_url}
