"""What tokens cost: worked out by hand from the providers' published prices, to a millionth of a cent."""

from __future__ import annotations

import itertools
from decimal import Decimal

import pytest
from agents import Clock, agent

from unmoor.runtime.config import Model
from unmoor.runtime.events import Tokens
from unmoor.runtime.guard.model.formats import ReportedUsage
from unmoor.runtime.guard.model.prices import Prices, has_known_price, missing_price_problem


def model(provider: str, name: str, base_url: str = "https://example.com/v1") -> Model:
    return Model(provider=provider, name=name, base_url=base_url, api_key="key")


def cost(
    provider: str,
    name: str,
    *,
    base_url: str = "https://example.com/v1",
    said: ReportedUsage | None = None,
    **tokens: int,
):
    said = said or ReportedUsage(tokens=Tokens(**tokens))
    return Prices(model=model(provider, name, base_url), clock=Clock()).cost(said)


@pytest.mark.parametrize(
    ("provider", "name", "tokens", "usd"),
    [
        # https://claude.com/pricing: $3 in, $15 out, $0.30 read from the cache, $3.75 written to it, for a million each.
        ("anthropic", "claude-sonnet-4-5", {"input": 1_000_000, "output": 0}, "6"),  # above 200k: twice the price
        ("anthropic", "claude-sonnet-4-5", {"input": 100_000, "output": 1000}, "0.315"),
        ("anthropic", "claude-sonnet-4-5-20250929", {"input": 100_000, "output": 1000}, "0.315"),
        (
            "anthropic",
            "claude-sonnet-4-5",
            # 10 000 fresh at 3, 60 000 read at 0.3, 30 000 written at 3.75, 1000 out at 15
            {"input": 100_000, "cached_input": 60_000, "cache_write": 30_000, "output": 1000},
            "0.1755",
        ),
        # https://openai.com/api/pricing: $5 in, $0.50 cached, $30 out; reasoning is output.
        ("openai", "gpt-5.5", {"input": 10_000, "cached_input": 8000, "output": 500, "reasoning": 400}, "0.029"),
        # https://ai.google.dev/pricing: $1.25 in, $0.125 cached, $10 out; thoughts are output.
        ("google", "gemini-2.5-pro", {"input": 10_000, "cached_input": 4000, "output": 300, "reasoning": 200}, "0.011"),
        # https://openrouter.ai/anthropic/claude-sonnet-4.5
        ("openrouter", "anthropic/claude-sonnet-4.5", {"input": 100_000, "output": 1000}, "0.315"),
        ("openrouter", "openai/gpt-5", {"input": 100_000, "output": 1000}, "0.135"),
        ("openrouter", "deepseek/deepseek-r1:free", {"input": 100_000, "output": 1000}, "0"),
        ("anthropic", "claude-sonnet-4-5", {"input": 1}, "0.000003"),
        ("anthropic", "claude-sonnet-4-5", {}, "0"),
    ],
)
def test_each_kind_of_token_has_its_price(provider: str, name: str, tokens: dict[str, int], usd: str):
    assert cost(provider, name, **tokens) == Decimal(usd)


def test_what_is_cached_for_an_hour_costs_twice_the_input():
    tokens = Tokens(input=30_000, cache_write=30_000)
    # 20 000 for five minutes at 3.75, 10 000 for an hour at 6
    assert cost(
        "anthropic", "claude-sonnet-4-5", said=ReportedUsage(tokens=tokens, long_cache_write=10_000)
    ) == Decimal("0.135")


def test_searches_of_the_providers_are_paid_for_each():
    assert cost("anthropic", "claude-sonnet-4-5", said=ReportedUsage(tokens=Tokens(), searches=3)) == Decimal("0.03")


def test_a_faster_tier_costs_what_it_costs():
    tokens = Tokens(input=1000)
    standard = cost("openai", "gpt-5.5", said=ReportedUsage(tokens=tokens, terms=(("service_tier", "default"),)))
    priority = cost("openai", "gpt-5.5", said=ReportedUsage(tokens=tokens, terms=(("service_tier", "priority"),)))
    assert (standard, priority) == (Decimal("0.005"), Decimal("0.0125"))


def test_sound_has_a_price_of_its_own_in_and_out_and_from_the_cache():
    # https://ai.google.dev/pricing: gemini-2.5-flash takes $0.30 for text, $1.00 for sound, $0.10 for cached sound.
    sound = ReportedUsage(tokens=Tokens(input=1000), input_audio=1000)
    assert cost("google", "gemini-2.5-flash", said=sound) == Decimal("0.001")
    cached = ReportedUsage(tokens=Tokens(input=1000, cached_input=400), input_audio=600, cached_audio=400)
    assert cost("google", "gemini-2.5-flash", said=cached) == Decimal("0.00036")
    # https://developers.openai.com/api/docs/models/gpt-realtime: $32 in, $64 out.
    said = ReportedUsage(tokens=Tokens(input=1000, output=1000), input_audio=1000, output_audio=1000)
    assert cost("openai", "gpt-realtime", said=said) == Decimal("0.096")


def test_sound_that_does_not_add_up_is_priced_all_the_same():
    for read, sound, cached in itertools.product((0, 5, 2000), (1, 3000), (0, 50, 4000)):
        tokens = Tokens(input=1000, cached_input=read, output=10)
        said = ReportedUsage(tokens=tokens, input_audio=sound, cached_audio=cached, output_audio=900)
        assert cost("google", "gemini-2.5-flash", said=said)


def test_inference_in_the_united_states_alone_costs_a_tenth_more_but_for_searches():
    # https://platform.claude.com/docs/en/manage-claude/data-residency: all tokens, in every category.
    tokens, us = Tokens(input=10_000, cached_input=4000, output=100), (("inference_geo", "us"),)
    anywhere = cost("anthropic", "claude-opus-4-6", said=ReportedUsage(tokens=tokens))
    assert anywhere
    assert cost("anthropic", "claude-opus-4-6", said=ReportedUsage(tokens=tokens, terms=us)) == anywhere * Decimal(
        "1.1"
    )
    with_search = cost("anthropic", "claude-opus-4-6", said=ReportedUsage(tokens=tokens, terms=us, searches=2))
    assert with_search == anywhere * Decimal("1.1") + Decimal("0.02")


def test_a_provider_of_ones_own_is_known_by_its_address():
    assert cost("openai-compatible", "deepseek-chat", base_url="https://api.deepseek.com/v1", input=1_000_000)
    assert cost("openai-compatible", "deepseek-chat", base_url="https://llm.example.com/v1", input=1_000_000) is None


def test_more_cached_than_sent_is_taken_for_sent():
    assert cost("anthropic", "claude-sonnet-4-5", input=1, cached_input=1000) == Decimal("0.0003")


@pytest.mark.parametrize(
    ("provider", "name", "known"),
    [
        ("anthropic", "claude-sonnet-4-5", True),
        ("anthropic", "claude-unheard-of", False),
        ("openai", "gpt-5.5", True),
        ("openai", "claude-sonnet-4-5", False),
        ("openrouter", "anthropic/claude-sonnet-4.5", True),
        ("google", "gemini-2.5-pro", True),
        ("openai-compatible", "gpt-5.5", False),
    ],
)
def test_whether_a_price_is_known(provider: str, name: str, known: bool):
    assert has_known_price(model(provider, name)) is known


def test_a_cap_on_what_has_no_price_is_refused_with_what_to_do():
    what = agent("openai-compatible", base_url="https://llm.example.com/v1", run_usd="1", day_usd="5")
    assert missing_price_problem(what) == (
        "model: openai-compatible our-own-model has no known price, so run.max_cost_usd and budget.per_day_usd "
        "cannot be enforced; remove run.max_cost_usd and budget.per_day_usd, or choose a model with a known price"
    )


def test_without_a_cap_the_price_does_not_matter():
    assert missing_price_problem(agent("openai-compatible", base_url="https://llm.example.com/v1")) == ""
    assert missing_price_problem(agent("anthropic", base_url="https://x", run_usd="1")) == ""
