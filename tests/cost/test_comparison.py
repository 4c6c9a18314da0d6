"""Bills side by side: break-even points, the verdict, what is not known."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from books import BASE, D, price

from unmoor.cost.comparison import Bill, BreakEven, Comparison, money_text
from unmoor.cost.quote import Quote
from unmoor.cost.text import assumptions_used, cost_rows, explain_line, missing_prices, source
from unmoor.errors import BrokenTargetError
from unmoor.pricing.price_book import PriceBook
from unmoor.pricing.pricer import Pricer
from unmoor.pricing.usage import Usage
from unmoor.spec.make_plan import make_plan
from unmoor.spec.models import Spec
from unmoor.target.registry import load

TODAY = date(2026, 11, 25)
BOOK = PriceBook(prices=(price("floor", "1", "month"), price("each", "1", "run")))
MODEL = {"provider": "anthropic", "name": "claude-sonnet-4-5", "api_key": "key"}


def offer(calculator: str, **changes: Any) -> Quote:
    secrets = {"key": {"env": "KEY"}} if "model" in changes else {}
    plan = make_plan(Spec.model_validate({**BASE, "secrets": secrets, **changes}), "prod")
    target = replace(load("vm-docker"), cost_by=f"calculators:{calculator}" if calculator else "")
    settings = target.settings.model_validate({"host": "local"})
    return Quote(target=target, plan=plan, settings=settings, prices=Pricer(book=BOOK), today=TODAY)


def compared(*calculators: str, usage: Usage | None = None, **changes: Any) -> Comparison:
    usage = usage or Usage(runs=D(100))
    bills = []
    for calculator in calculators:
        made = offer(calculator, **changes)
        bills.append(Bill(target=calculator, offer=made, lines=made.lines(usage)))
    return Comparison(usage=usage, today=TODAY, free_tier=True, bills=tuple(bills))


def test_a_break_even_point_is_the_first_number_of_runs_that_costs_no_more() -> None:
    [point] = compared("flat", "metered").break_evens()
    assert point == BreakEven(runs=400, cheaper="flat", dearer="metered")


def test_what_is_not_known_in_full_has_no_break_even_point() -> None:
    assert compared("flat", "lacks").break_evens() == ()


def test_the_curve_prices_every_column_at_each_number_of_runs() -> None:
    curve = compared("flat", "metered").curve([D(0), D(100), D(800)])
    assert [[total.known for total in column] for column in curve] == [[100, 100, 100], [0, 25, 200]]


def test_what_a_further_run_adds() -> None:
    comparison = compared("metered")
    assert comparison.a_further_run(comparison.bills[0]).known == D("0.25")


@pytest.mark.parametrize(
    ("calculators", "sentence"),
    [
        ((), "No target has a price for this."),
        (("lacks",), "The cheapest target is unknown: no target has all its prices."),
        (
            ("flat",),
            "At 100 runs a month of 10 minutes flat, the only one with all prices, costs $100.00 a month.",
        ),
        (
            ("flat", "metered"),
            "At 100 runs a month of 10 minutes metered costs least, $25.00 a month, $75.00 less than flat.",
        ),
        (
            ("flat", "metered", "lacks"),
            "At 100 runs a month of 10 minutes metered costs least, $25.00 a month, $75.00 less than flat; whether "
            "lacks (at least $3.00) would cost less is unknown.",
        ),
    ],
)
def test_the_verdict_says_only_what_the_numbers_say(calculators: tuple[str, ...], sentence: str) -> None:
    assert compared(*calculators).verdict() == sentence


def test_two_that_cost_the_same_are_both_named() -> None:
    said = compared("flat", "metered", usage=Usage(runs=D(400))).verdict()
    assert said == "At 400 runs a month of 10 minutes flat and metered cost the same, $100.00 a month."


def test_what_lacks_a_price_but_costs_more_already_is_no_doubt() -> None:
    said = compared("metered", "lacks", usage=Usage(runs=D(4))).verdict()
    assert said.endswith("metered, the only one with all prices, costs $1.00 a month.")


def test_by_cost_puts_the_least_first_and_what_is_not_known_last() -> None:
    assert [bill.target for bill in compared("lacks", "flat", "metered").by_cost().bills] == [
        "metered",
        "flat",
        "lacks",
    ]


def test_what_is_missing_alike_is_one_line() -> None:
    assert missing_prices(compared("lacks").bills[0]) == ["no price in here of disk, ram"]


def test_a_target_that_says_no_cost_is_unknown_and_not_free() -> None:
    rows = dict(cost_rows(compared("")))
    assert rows["total"] == ("unknown",)
    assert rows["missing prices"] == ("vm-docker does not report its cost",)


def test_a_calculator_that_fails_is_its_distributions_fault() -> None:
    with pytest.raises(
        BrokenTargetError, match=r"^target vm-docker from unmoor .* failed to reckon what it costs: Zero"
    ):
        offer("fails").lines(Usage())


def test_more_runs_than_the_plan_has_room_for_are_warned_of() -> None:
    made = offer("flat")
    assert made.warnings(Usage(runs=D(730), minutes=D(60))) == ()
    assert made.warnings(Usage(runs=D(2920), minutes=D(60), day=(D(1),) * 12 + (D(0),) * 12)) == (
        "8.0 runs at once in the busiest hour, over run.max_concurrent 4: some wait",
    )
    assert made.warnings(Usage(runs=D(3000), minutes=D(60))) == (
        "run.max_concurrent 4 leaves no time for so many runs",
    )


def test_the_models_tokens_are_priced_by_the_call_and_apart() -> None:
    """claude-sonnet-4-5: 60,000 x 3 + 240,000 x 0.30 + 10,000 x 15 for a million = 0.402 a run, 200 of them 80.40."""
    bill = compared("flat", usage=Usage(), model=MODEL).bills[0]
    assert bill.total("model").known == D("80.4")
    assert bill.total("fixed").known == 100
    [line] = [line for line in bill.lines if line.part == "model"]
    assert explain_line(line) == "200 run x $0.402 = $80.40"


def test_another_model_has_another_price_and_an_unknown_one_none() -> None:
    haiku, unheard = ({**MODEL, "name": name} for name in ("claude-haiku-4-5", "claude-nobody-9"))
    assert compared("flat", usage=Usage(), model=haiku).bills[0].total("model").known == D("26.8")
    bill = compared("flat", usage=Usage(), model=unheard).bills[0]
    assert bill.total().missing == ("no price is known of anthropic claude-nobody-9",)


def test_every_line_shows_its_reckoning_and_its_source() -> None:
    [line] = compared("metered").bills[0].lines
    assert explain_line(line) == "25 run x $1.00 = $25.00"
    assert source(line) == "https://example.com/prices (2026-10-01, page)"


def test_what_the_figures_stand_on_is_said() -> None:
    lines = assumptions_used(compared("flat", usage=Usage().with_overrides({"runs": D(5)}, "--runs")))
    assert lines[0] == "--runs: 5 runs a month"
    assert lines[1].startswith("assumed: 10 minutes a run, ")
    assert lines[-1] == "list prices in US dollars, a month of 730 hours; free tiers are deducted"


@pytest.mark.parametrize(
    ("amount", "text"),
    [("0", "$0.00"), ("1234.567", "$1,234.57"), ("0.0044", "$0.0044"), ("0.00001", "under $0.0001"), ("0.01", "$0.01")],
)
def test_money_in_words(amount: str, text: str) -> None:
    assert money_text(Decimal(amount)) == text
