"""Price books, read strictly."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from unmoor.pricing.price_book_file import BookError, load_price_book, read_book

ENTRY: dict[str, Any] = {
    "id": "cpu",
    "region": "here",
    "value": "0.04",
    "unit": "vCPU-hour",
    "source": "https://example.com",
    "as_of": "2026-08-01",
    "sure": "page",
}


def written(*prices: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"format": 1, "prices": list(prices), **more}).encode()


def said(content: bytes) -> list[str]:
    with pytest.raises(BookError) as caught:
        read_book(content, "prices.json")
    return str(caught.value).splitlines()


def test_a_book_is_read_with_its_days_and_grows_old_after_a_quarter() -> None:
    book = read_book(written(ENTRY, {**ENTRY, "region": "there", "as_of": "2026-09-01"}), "prices.json")
    assert book.regions("cpu") == ("here", "there")
    assert book.stale_prices(date(2026, 10, 30)) == ()
    assert [price.region for price in book.stale_prices(date(2026, 10, 31))] == ["here"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"value": 0.04}, "value: 0.04 is not allowed; write a decimal number in quotes"),
        ({"value": "1,5"}, 'value: "1,5" is not allowed; write a decimal number in quotes'),
        ({"value": "-1"}, 'value: "-1" is not allowed; write a number that is not below 0'),
        ({"value": "NaN"}, 'value: "NaN" is not allowed; write a number that is not below 0'),
        ({"per": "0"}, 'per: "0" is not allowed; write a number above 0'),
        ({"unit": "vCPU"}, None),
        ({"unit": "furlong"}, 'unit: "furlong" is not allowed; write a unit such as vCPU-hour, GiB-month or request'),
        ({"source": "a page"}, 'source: "a page" is not allowed; write the https:// address that it is from'),
        ({"as_of": "soon"}, 'as_of: "soon" is not allowed; write a day such as 2026-10-01'),
        ({"sure": "very"}, 'sure: "very" is not allowed; write one of page, api, recalled'),
        ({"currency": "EUR"}, 'currency: "EUR" is not allowed; all books are in USD'),
        (
            {"prize": "1"},
            "prize: no member has that name; known: id, value, unit, region, source, as_of, sure, sku, per, currency, tiers, sha256",
        ),
        (
            {"tiers": [{"above": "1"}]},
            'tiers: [{"above": "1"}] is not allowed; a tier is {"above": "100", "value": "0.05"}, or null for a price that is not known',
        ),
    ],
)
def test_each_mistake_is_one_line_that_says_what_to_write(change: dict[str, Any], problem: str | None) -> None:
    if problem is None:
        read_book(written({**ENTRY, **change}), "prices.json")
    else:
        assert said(written({**ENTRY, **change})) == [f"prices.json: prices[0] (cpu).{problem}"]


def test_all_mistakes_are_told_at_once() -> None:
    without = {k: v for k, v in ENTRY.items() if k != "source"}
    assert said(written({**without, "value": "x"}, 7)) == [  # type: ignore[arg-type]
        'prices.json: prices[0] (cpu).value: "x" is not allowed; write a decimal number in quotes',
        "prices.json: prices[0] (cpu).source: is required and missing",
        "prices.json: prices[1]: write an object",
    ]


def test_what_is_wrong_between_entries_is_told() -> None:
    free = {
        "id": "f",
        "covers": ["ram", "cpu"],
        "quantity": "1",
        "unit": "GiB",
        **{k: ENTRY[k] for k in ("source", "as_of", "sure")},
    }
    tiered = {**ENTRY, "tiers": [{"above": "5", "value": "1"}, {"above": "5", "value": None}]}
    assert said(written(ENTRY, tiered, allowances=[free])) == [
        "prices.json: prices: cpu has two prices in here; keep one",
        "prices.json: prices: cpu in here: tiers begin above 0, each above the one before",
        "prices.json: allowances: f covers ram, which has no price",
        "prices.json: allowances: f is in GiB, and cpu in vCPU-hour",
    ]


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"format": 1, "format": 1}', b'{"format": 2}', b"\xff"])
def test_what_is_no_book_is_refused_in_one_line(content: bytes) -> None:
    assert len(said(content)) == 1


def test_a_target_without_a_book_has_an_empty_one() -> None:
    assert load_price_book("unmoor.recording.access_rules").prices == ()
