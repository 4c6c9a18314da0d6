"""Models that their vendors have retired or will retire, by the vendors' own tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

ANTHROPIC = "https://docs.claude.com/en/docs/about-claude/model-deprecations"
GOOGLE = "https://ai.google.dev/gemini-api/docs/models"
GOOGLE_PRICES = "https://ai.google.dev/gemini-api/docs/pricing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retirement:
    """A model's retirement: its date, None if the vendor names none, and the vendor's page."""

    on: date | None
    source: str


# By provider and model; a dated snapshot such as claude-sonnet-4-5-20250929 belongs to its model.
RETIREMENTS: dict[tuple[str, str], Retirement] = {
    ("anthropic", "claude-sonnet-4-5"): Retirement(on=date(2026, 11, 30), source=ANTHROPIC),
    ("anthropic", "claude-opus-4-5"): Retirement(on=date(2027, 1, 22), source=ANTHROPIC),
    ("google", "gemini-2.0-flash"): Retirement(on=None, source=GOOGLE),
    ("google", "gemini-2.0-flash-lite"): Retirement(on=None, source=GOOGLE),
    ("google", "gemini-2.5-flash-image"): Retirement(on=date(2026, 10, 2), source=GOOGLE_PRICES),
    ("google", "gemini-2.5-flash-preview"): Retirement(on=date(2025, 7, 15), source=GOOGLE),
    ("google", "gemini-3-pro-preview"): Retirement(on=None, source=GOOGLE),
}


def retirement_notice(provider: str, model: str, *, today: date) -> str:
    """One line about a retired or retiring model; empty if no retirement is known."""
    for (vendor, name), retirement in RETIREMENTS.items():
        if provider == vendor and (model == name or _is_snapshot(model, name)):
            return f"model.name: {model} {_when(retirement, today)}; choose another model ({retirement.source})"
    return ""


def _is_snapshot(model: str, name: str) -> bool:
    """Whether the model is the named one as of a date."""
    rest = model.removeprefix(f"{name}-")
    return rest != model and rest.replace("-", "").isdigit()


def _when(retirement: Retirement, today: date) -> str:
    if retirement.on is None:
        return "is retired"
    return f"{'was' if retirement.on < today else 'will be'} retired on {retirement.on.isoformat()}"
