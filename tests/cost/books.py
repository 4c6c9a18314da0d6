"""Small price books to reckon with."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from unmoor.pricing.line import CostLine, UsageItem
from unmoor.pricing.price_book import Allowance, Price
from unmoor.pricing.price_book_file import load_price_book
from unmoor.pricing.pricer import Pricer
from unmoor.pricing.usage import Usage
from unmoor.spec.make_plan import make_plan
from unmoor.spec.models import Spec
from unmoor.target.registry import load

D = Decimal
SOURCE: dict[str, Any] = {"source": "https://example.com/prices", "as_of": date(2026, 10, 1), "sure": "page"}


def price(id: str = "cpu", value: str = "2", unit: str = "vCPU-hour", region: str = "here", **more: Any) -> Price:
    return Price(id=id, value=D(value), unit=unit, region=region, **{**SOURCE, **more})


def allowance(quantity: str, unit: str, *covers: str, **more: Any) -> Allowance:
    return Allowance(id="free", covers=covers, quantity=D(quantity), unit=unit, **{**SOURCE, **more})


def use(quantity: str | Decimal, unit: str = "vCPU-hour", price: str = "cpu", **more: Any) -> UsageItem:
    return UsageItem(
        **{"part": "run", "kind": "runs", "what": "processors"} | more, price=price, quantity=D(quantity), unit=unit
    )


BASE: dict[str, Any] = {"version": 1, "name": "agent", "harness": {"name": "command", "command": ["cat"]}}


def lines_of(
    target: str, settings: dict[str, Any], usage: Usage, *, free_tier: bool = True, **changes: Any
) -> list[CostLine]:
    """What a target's calculator makes of the smallest agent, with parts of its spec replaced, out of its own book."""
    plan = make_plan(Spec.model_validate({**BASE, **changes}), "prod")
    found = load(target)
    chosen = found.settings.model_validate(settings)
    assert found.check(plan, chosen) == []
    book = load_price_book(found.cost_by.split(":")[0])
    return found.cost(plan, chosen, usage, Pricer(book=book, free_tier=free_tier))
