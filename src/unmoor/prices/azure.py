"""Azure's retail prices: pages of rows, each a tier of a meter.

https://learn.microsoft.com/rest/api/cost-management/retail-prices/azure-retail-prices
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from .fetch import fetch
from .price_list import Pages, PriceRows, number
from .sku import PriceRow, RefreshError

BASE = "https://prices.azure.com"
PATH = "/api/retail/prices"
# A page has as many rows or more where others follow; the link to them has been missing at times.
SMALLEST_PAGE, MOST_PAGES = 100, 1000


class Azure:
    """The prices under an address."""

    home = "eastus"
    regions = re.compile(r"[a-z]+\d?")

    def __init__(self, base: str = "") -> None:
        self._base = (base or os.environ.get("UNMOOR_PRICES_AZURE") or BASE).rstrip("/")

    def read(self, file: str, region: str, *, everywhere: bool) -> PriceRows:
        place = "" if everywhere else f" and armRegionName eq {_literal(region)}"
        page_query = f"serviceName eq {_literal(file)}{place} and priceType eq 'Consumption'"
        query = urlencode({"currencyCode": "USD", "$filter": page_query}, quote_via=quote)
        found = PriceRows(source=f"{BASE}{PATH}?{query}", rows=iter(()))
        found.rows = self._rows(query, found)
        return found

    def texts(self, text: str, region: str) -> frozenset[str]:
        return frozenset({text})

    def _rows(self, query: str, found: PriceRows) -> Iterator[PriceRow]:
        pages, page_query, count, first = Pages(), query, 0, True
        for _ in range(MOST_PAGES):
            url = f"{self._base}{PATH}?{page_query}"
            answer = pages.parse(fetch(url), url)
            items = answer.get("Items")
            if not isinstance(items, list) or answer.get("BillingCurrency", "USD") != "USD":
                raise RefreshError(f"{url}: is not a list of prices in USD")
            yield from (row for item in items if (row := _row(item, url)) is not None)
            count += len(items)
            if not (page_query := _next(answer, query, count, len(items), first=first)):
                found.sha256 = pages.sha256
                return
            first = False
        raise RefreshError(f"{found.source}: has not ended after {MOST_PAGES} pages")


def _next(answer: dict[str, Any], query: str, count: int, here: int, *, first: bool) -> str:
    """The query of the next page: the link's, or the rows after these if a full page has no link."""
    link = answer.get("NextPageLink")
    if isinstance(link, str) and link:
        # Only its query: where to ask is ours to say, and a link does not send us elsewhere.
        return urlencode(parse_qsl(urlsplit(link).query), quote_via=quote)
    full = here >= SMALLEST_PAGE and here % SMALLEST_PAGE == 0
    return f"{query}&{urlencode({'$skip': count})}" if full else ""


def _row(item: Any, url: str) -> PriceRow | None:
    """A row; None for a reservation, which has the price of its whole term in the same unit."""
    if not isinstance(item, dict):
        raise RefreshError(f"{url}: has an item that is not an object")
    texts = {str(name): str(value) for name, value in item.items()}
    if texts.get("type", "Consumption") != "Consumption" or "reservationTerm" in texts:
        return None
    for name in ("meterId", "meterName", "unitOfMeasure", "retailPrice"):
        if name not in texts:
            raise RefreshError(f"{url}: has an item without {name}")
    where = f"{url}: {texts['meterName']}"
    return PriceRow(
        key=texts["meterId"],
        name=f"{texts.get('productName', '')}: {texts['meterName']}",
        unit=texts["unitOfMeasure"],
        above=number(texts.get("tierMinimumUnits", "0"), where),
        value=number(texts["retailPrice"], where),
        attributes=texts,
    )


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
