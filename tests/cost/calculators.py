"""Calculators of targets that are easy to reckon."""

from __future__ import annotations

from books import D

from unmoor.plan import Plan
from unmoor.pricing.line import CostLine, UsageItem
from unmoor.pricing.pricer import Pricer
from unmoor.pricing.usage import Usage
from unmoor.target import Settings


def flat(plan: Plan, settings: Settings, usage: Usage, prices: Pricer) -> list[CostLine]:
    """A target that costs 100 a month, whatever runs on it."""
    return prices.lines([UsageItem("run", "fixed", "machine", "floor", D(100), "month")], "here")


def metered(plan: Plan, settings: Settings, usage: Usage, prices: Pricer) -> list[CostLine]:
    """A target that costs 0.25 a run."""
    return prices.lines([UsageItem("run", "runs", "runs", "each", usage.runs / 4, "run")], "here")


def lacks(plan: Plan, settings: Settings, usage: Usage, prices: Pricer) -> list[CostLine]:
    """A target that costs 3 a month, and more that has no price."""
    uses = [
        UsageItem("run", "fixed", "machine", "floor", D(3), "month"),
        UsageItem("run", "runs", "disk", "disk", D(1), "GiB"),
    ]
    return prices.lines([*uses, UsageItem("run", "runs", "ram", "ram", D(1), "GiB")], "here")


def fails(plan: Plan, settings: Settings, usage: Usage, prices: Pricer) -> list[CostLine]:
    raise ZeroDivisionError("division by zero")
