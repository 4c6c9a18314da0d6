"""Small price books to reckon with."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from unmoor.cost.line import Use
from unmoor.cost.price import Allowance, Price

D = Decimal
SOURCE: dict[str, Any] = {"source": "https://example.com/prices", "as_of": date(2026, 10, 1), "sure": "page"}


def price(id: str = "cpu", value: str = "2", unit: str = "vCPU-hour", region: str = "here", **more: Any) -> Price:
    return Price(id=id, value=D(value), unit=unit, region=region, **{**SOURCE, **more})


def allowance(quantity: str, unit: str, *covers: str, **more: Any) -> Allowance:
    return Allowance(id="free", covers=covers, quantity=D(quantity), unit=unit, **{**SOURCE, **more})


def use(quantity: str | Decimal, unit: str = "vCPU-hour", price: str = "cpu", **more: Any) -> Use:
    return Use(
        **{"part": "run", "kind": "runs", "what": "processors"} | more, price=price, quantity=D(quantity), unit=unit
    )
