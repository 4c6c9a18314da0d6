"""The cost of tokens at the guard's list prices, separate from infrastructure, since it is equal on every target.

The list is part of the runtime's libraries; without them the price is unknown and the line names what to install.
"""

from __future__ import annotations

import functools
from datetime import UTC, date, datetime, time
from decimal import Decimal
from importlib.util import find_spec

from unmoor.plan import Model
from unmoor.pricing.line import CostLine
from unmoor.pricing.price_book import Price
from unmoor.pricing.usage import Usage, number_text

SOURCE = "https://github.com/pydantic/genai-prices"


def model_lines(model: Model | None, usage: Usage, today: date) -> list[CostLine]:
    """The line of a month's tokens; none without a model or without usage."""
    if model is None or not usage.runs or not (usage.input_tokens or usage.output_tokens):
        return []
    each = _a_run(model, _tokens(usage), int(usage.model_calls) or 1, today)
    what = f"{model.provider} {model.name}"
    note = (
        f"{number_text(usage.input_tokens)} tokens in, {number_text(usage.cached_tokens)} of them cached, and "
        f"{number_text(usage.output_tokens)} out in {number_text(usage.model_calls)} calls"
    )
    if each is None:
        return [_line(what, usage, note, unknown=_why(model))]
    price = Price(id=model.name, value=each, unit="run", region="*", source=SOURCE, as_of=today, sure="page")
    return [_line(what, usage, note, price=price)]


def _line(what: str, usage: Usage, note: str, *, price: Price | None = None, unknown: str = "") -> CostLine:
    return CostLine(
        part="model",
        kind="model",
        what=what,
        quantity=usage.runs,
        unit="run",
        price=price,
        amount=price.value * usage.runs if price else None,
        unknown=unknown,
        note=note,
    )


def _tokens(usage: Usage) -> tuple[int, int, int]:
    return int(usage.input_tokens), int(min(usage.cached_tokens, usage.input_tokens)), int(usage.output_tokens)


@functools.lru_cache(maxsize=256)
def _a_run(model: Model, tokens: tuple[int, int, int], calls: int, today: date) -> Decimal | None:
    """The cost of a run's tokens, spread evenly over its calls, since large calls may have another price."""
    if find_spec("genai_prices") is None:
        return None
    of_each = tuple(count // calls for count in tokens)
    of_last = tuple(count - (calls - 1) * each for count, each in zip(tokens, of_each, strict=True))
    each, last = _a_call(model, of_each, today), _a_call(model, of_last, today)
    return None if each is None or last is None else each * (calls - 1) + last


def _a_call(model: Model, tokens: tuple[int, ...], today: date) -> Decimal | None:
    from unmoor.runtime.events import Tokens
    from unmoor.runtime.guard.model.formats import ReportedUsage
    from unmoor.runtime.guard.model.prices import Prices

    counted = Tokens(input=tokens[0], cached_input=tokens[1], output=tokens[2])
    return Prices(model=model, clock=lambda: datetime.combine(today, time(12), UTC)).cost(ReportedUsage(tokens=counted))


def _why(model: Model) -> str:
    if find_spec("genai_prices") is None:
        return "the model's price needs genai-prices: pip install 'unmoor[runtime]'"
    return f"no price is known of {model.provider} {model.name}"
