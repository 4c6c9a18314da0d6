"""Lines of money: quantity, less what is free, times a price, in whatever units the two are given."""

from __future__ import annotations

from decimal import Decimal

import pytest
from books import D, allowance, price, use
from hypothesis import given
from hypothesis import strategies as st

from unmoor.pricing.line import Total, total
from unmoor.pricing.price_book import PriceBook, Tier
from unmoor.pricing.pricer import Pricer

AMOUNTS = st.decimals(min_value=0, max_value=10**9, places=3, allow_nan=False, allow_infinity=False)
SECONDS = price(value="0.001", unit="vCPU-second")
TIERED = price(tiers=(Tier(above=D(10), value=D(1)),))


def amounts(prices: Pricer, *uses: object) -> list[Decimal | None]:
    return [line.amount for line in prices.lines(uses, "here")]  # type: ignore[arg-type]


def test_a_line_is_quantity_times_price_with_its_source() -> None:
    [line] = Pricer(book=PriceBook(prices=(price(),))).lines([use("3")], "here")
    assert (line.quantity, line.unit, line.amount) == (3, "vCPU-hour", 6)
    assert line.price is not None
    assert line.price.source == "https://example.com/prices"


def test_units_cancel() -> None:
    book = PriceBook(prices=(price(),))
    assert amounts(Pricer(book=book), use("7200", "vCPU-second"), use("1", "vCPU-month")) == [4, 1460]
    with pytest.raises(ValueError, match=r"^GiB-hour cannot be counted in vCPU-hour$"):
        amounts(Pricer(book=book), use("1", "GiB-hour"))


def test_a_price_that_is_not_there_is_unknown_and_never_nothing() -> None:
    book = PriceBook(prices=(price(region="there"), price("ram", region="elsewhere")))
    lines = Pricer(book=book).lines([use("1"), use("1", price="disk")], "here")
    assert [line.amount for line in lines] == [None, None]
    assert total(lines) == Total(missing=("no price of cpu in here, only in there", "no price of disk in here"))


def test_nothing_used_is_no_line_even_without_a_price() -> None:
    assert Pricer(book=PriceBook(prices=())).lines([use("0")], "here") == []


def test_a_price_for_everywhere_is_that_of_a_region_without_its_own() -> None:
    book = PriceBook(prices=(price(region="*"), price(value="5", region="there")))
    assert [Pricer(book=book).lines([use("1")], r)[0].amount for r in ("here", "there")] == [2, 5]


def test_what_is_free_is_shared_by_all_that_it_covers_in_their_order() -> None:
    book = PriceBook(
        prices=(price(), price("idle", "1")), allowances=(allowance("3600", "vCPU-second", "cpu", "idle"),)
    )
    lines = Pricer(book=book).lines([use("0.25"), use("2", price="idle")], "here")
    assert [(line.free, line.amount) for line in lines] == [(D("0.25"), 0), (D("0.75"), D("1.25"))]
    assert amounts(Pricer(book=book, free_tier=False), use("0.25"), use("2", price="idle")) == [D("0.5"), 2]


def test_what_is_free_as_money_pays_for_fewer_units_where_they_cost_more() -> None:
    book = PriceBook(prices=(price(value="4"),), allowances=(allowance("10", "vCPU-hour", "cpu", credit=D(2)),))
    [line] = Pricer(book=book).lines([use("8")], "here")
    assert (line.free, line.amount) == (5, 12)


def test_what_is_free_in_some_regions_is_not_in_others() -> None:
    book = PriceBook(prices=(price(),), allowances=(allowance("10", "vCPU-hour", "cpu", regions=("there",)),))
    assert amounts(Pricer(book=book), use("1")) == [2]


def test_tiers_price_what_is_above_them_and_an_unknown_one_makes_the_line_unknown() -> None:
    assert TIERED.cost_of(D(12)) == 22
    ends = price(tiers=(Tier(above=D(10), value=None),))
    assert (ends.cost_of(D(10)), ends.cost_of(D(11))) == (20, None)
    [line] = Pricer(book=PriceBook(prices=(ends,))).lines([use("11")], "here")
    assert line.unknown == "no price of so much cpu: the book ends below it"


@given(less=AMOUNTS, more=AMOUNTS)
def test_more_never_costs_less(less: Decimal, more: Decimal) -> None:
    for one in (price(), TIERED):
        book = PriceBook(prices=(one,), allowances=(allowance("5", "vCPU-hour", "cpu"),))
        [low] = amounts(Pricer(book=book), use(less + 1))
        [high] = amounts(Pricer(book=book), use(less + more + 1))
        assert low is not None
        assert high is not None
        assert 0 <= low <= high


@given(quantity=AMOUNTS, free=AMOUNTS)
def test_what_is_free_never_makes_a_cost_negative_or_larger(quantity: Decimal, free: Decimal) -> None:
    book = PriceBook(prices=(price(),), allowances=(allowance(str(free + 1), "vCPU-hour", "cpu"),))
    [paid] = amounts(Pricer(book=book), use(quantity + 1))
    [full] = amounts(Pricer(book=book, free_tier=False), use(quantity + 1))
    assert paid is not None
    assert full is not None
    assert 0 <= paid <= full


@given(quantity=AMOUNTS)
def test_a_price_by_the_second_is_that_by_the_hour(quantity: Decimal) -> None:
    hourly = price(value="3.6", unit="vCPU-hour")
    by_second, by_hour = (
        amounts(Pricer(book=PriceBook(prices=(p,))), use(quantity + 1, "vCPU-second"))[0] for p in (SECONDS, hourly)
    )
    assert by_second is not None
    assert by_hour is not None
    assert abs(by_second - by_hour) < D("0.000001")
