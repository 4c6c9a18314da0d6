"""`check` names a model that its vendor has retired or will retire."""

from __future__ import annotations

from datetime import date

import pytest
from genai_prices.data import providers

from unmoor.prices.retirements import RETIREMENTS, retirement_notice

TODAY = date(2026, 12, 1)


@pytest.mark.parametrize(
    ("provider", "model", "says"),
    [
        ("anthropic", "claude-sonnet-4-5", "model.name: claude-sonnet-4-5 was retired on 2026-11-30; choose another"),
        ("anthropic", "claude-sonnet-4-5-20250929", "model.name: claude-sonnet-4-5-20250929 was retired on 2026-11-30"),
        ("anthropic", "claude-opus-4-5", "model.name: claude-opus-4-5 will be retired on 2027-01-22; choose another"),
        ("google", "gemini-2.0-flash-001", "model.name: gemini-2.0-flash-001 is retired; choose another model (https"),
    ],
)
def test_a_model_that_goes_is_named_with_its_date(provider: str, model: str, says: str) -> None:
    assert retirement_notice(provider, model, today=TODAY).startswith(says)


@pytest.mark.parametrize(
    ("provider", "model"),
    [("anthropic", "claude-sonnet-5"), ("openrouter", "claude-sonnet-4-5"), ("anthropic", "claude-sonnet-4-5-fast")],
)
def test_any_other_model_is_not(provider: str, model: str) -> None:
    assert retirement_notice(provider, model, today=TODAY) == ""


def test_every_model_that_the_price_list_calls_deprecated_is_known() -> None:
    ours = {"anthropic", "google", "openai"}
    listed = {(p.id, m.id) for p in providers if p.id in ours for m in p.models if m.deprecated}
    assert listed
    assert listed - set(RETIREMENTS) == set()
