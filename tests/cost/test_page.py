"""The page that `unmoor compare --html` writes: whole in one file, and nothing on it that is not escaped."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import combinations

from test_comparison import compared

from unmoor.cli.render.compare_page import page
from unmoor.cli.render.compare_text import ComparisonView
from unmoor.compare import TargetColumn
from unmoor.cost.charts import cost_curve_svg, cost_curves
from unmoor.cost.comparison import Bill, BreakEven

EVIL = "<script>alert('\"1&')</script>"


def shown(*calculators: str, title: str = "agent in prod") -> ComparisonView:
    money = compared(*calculators)
    columns = [
        TargetColumn(target=name, parts=(("run", "a task"),), guarantees=(("egress", "enforced", "a fence"),))
        for name in calculators
    ]
    return ComparisonView(title=title, columns=columns, money=money)


def evil() -> ComparisonView:
    """A comparison in which everything that others write would be markup."""
    found = shown("flat", "metered", title=EVIL)
    bills = tuple(replace(bill, variant=EVIL) for bill in found.money.bills)
    refusing = Bill(target=EVIL, refused=(EVIL,))
    columns = [replace(c, variant=EVIL, parts=(("run", EVIL),), rounded=(EVIL,)) for c in found.columns]
    money = replace(found.money, bills=(*bills, refusing))
    return replace(found, columns=[*columns, TargetColumn(target=EVIL, refused=(EVIL,))], money=money)


def test_the_page_says_the_verdict_the_break_even_points_and_where_lines_are_from() -> None:
    made = page(shown("flat", "metered"))
    assert '<p class="verdict">At 100 runs a month of 10 minutes metered costs least, $25.00 a month, ' in made
    assert "<li>from 400 runs a month on flat costs no more than metered</li>" in made
    assert "https://example.com/prices" in made
    assert "The cheapest column with complete prices stays the cheapest below 40" in made


def test_what_others_write_is_no_markup() -> None:
    made = page(evil())
    assert "<script" not in made
    assert made.count("&lt;script&gt;") > 8


class _Loads(HTMLParser):
    """What a page would load, and its elements that stay open."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "link"):
            self.open.append(tag)
        if tag != "a":
            self.loaded += [f"{tag} {v}" for n, v in attrs if n in ("src", "href", "srcset", "data") and v != "data:,"]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_it_loads_nothing_and_each_element_is_closed() -> None:
    for made in (page(shown("flat", "metered", "lacks")), page(evil())):
        seen = _Loads()
        seen.feed(made)
        assert (seen.loaded, seen.open) == ([], [])
        assert not re.search(r"url\(|@import", made)


def test_a_comparison_without_any_price_has_a_page() -> None:
    made = page(shown())
    assert "No target has a price for this." in made
    found = shown("flat")
    refused = replace(found.money, bills=(Bill(target="flat", refused=("no",)),))
    assert "no price" in page(replace(found, money=refused))


def test_numbers_beside_marks_that_lie_close_stand_apart_or_are_left_to_the_list() -> None:
    found = cost_curves(compared("flat", "metered"))
    close = tuple(BreakEven(runs=n, cheaper="flat", dearer="metered") for n in (400, 401, 402, 403, 404, 405))
    drawn = cost_curve_svg(replace(found, points=close))
    places = re.findall(r'<text x="([0-9.]+)" y="([0-9.]+)">40[0-5]</text>', drawn)
    assert (drawn.count('class="mark"'), len(places)) == (6, 4)
    apart = [
        abs(float(a[0]) - float(b[0])) > 24 or abs(float(a[1]) - float(b[1])) > 15 for a, b in combinations(places, 2)
    ]
    assert all(apart)
