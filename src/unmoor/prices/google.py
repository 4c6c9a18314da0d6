"""Google's billing catalog: a list of services, and pages of each service's SKUs with their tiers.

https://cloud.google.com/billing/v1/how-tos/catalog-api
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from .fetch import fetch
from .price_list import Pages, PriceRows, number
from .sku import PriceRow, RefreshError

BASE = "https://cloudbilling.googleapis.com"
KEY = "GOOGLE_BILLING_API_KEY"
GLOBAL = "global"
MOST_PAGES = 1000
NANO = Decimal("1e-9")


class Google:
    """The catalog under an address; the key goes in a header, so that no address holds it."""

    home = "us-central1"
    regions = re.compile(r"[a-z]+-[a-z]+\d+")

    def __init__(self, key: str | None = None, base: str = "") -> None:
        self._base = (base or os.environ.get("UNMOOR_PRICES_GOOGLE") or BASE).rstrip("/")
        self._key = os.environ.get(KEY, "") if key is None else key
        self._services: dict[str, str] = {}

    def read(self, file: str, region: str, *, everywhere: bool) -> PriceRows:
        if not self._key:
            raise RefreshError(
                f"Google's billing catalog needs a key: set {KEY} to an API key with the Cloud Billing API"
            )
        path = f"/v1/{self._service(file)}/skus"
        found = PriceRows(source=f"{BASE}{path}", rows=iter(()))
        found.rows = self._rows(f"{self._base}{path}", found, GLOBAL if everywhere else region)
        return found

    def texts(self, text: str, region: str) -> frozenset[str]:
        return frozenset({text.replace("{region}", region)})

    def _service(self, name: str) -> str:
        if not self._services:
            pages = self._pages(f"{self._base}/v1/services", Pages(), "services")
            self._services = {str(s.get("displayName")): str(s.get("name")) for s in pages}
        if name not in self._services:
            raise RefreshError(f"{self._base}/v1/services: has no service {name}")
        return self._services[name]

    def _rows(self, url: str, found: PriceRows, region: str) -> Iterator[PriceRow]:
        pages = Pages()
        for sku in self._pages(url, pages, "skus"):
            if region in sku.get("serviceRegions", []) or (region == GLOBAL and not sku.get("serviceRegions")):
                yield from _rates(sku, url)
        found.sha256 = pages.sha256

    def _pages(self, url: str, pages: Pages, what: str) -> Iterator[dict[str, Any]]:
        token = ""
        for _ in range(MOST_PAGES):
            query = urlencode({"currencyCode": "USD", "pageSize": 5000, **({"pageToken": token} if token else {})})
            answer = pages.parse(fetch(f"{url}?{query}", {"X-Goog-Api-Key": self._key}), url)
            yield from answer.get(what, [])
            token = answer.get("nextPageToken") or ""
            if not token:
                return
        raise RefreshError(f"{url}: has not ended after {MOST_PAGES} pages")


def _rates(sku: dict[str, Any], url: str) -> Iterator[PriceRow]:
    """A row for each current tier; the free tier of Cloud Run is a credit without a row."""
    where = f"{url}: {sku.get('skuId')}"
    category = sku.get("category", {})
    if category.get("usageType", "OnDemand") != "OnDemand":
        return
    try:
        price = sku["pricingInfo"][-1]["pricingExpression"]
        unit, rates = str(price["usageUnit"]), list(price["tieredRates"])
        # Doubled spaces come and go in them.
        description = " ".join(str(sku["description"]).split())
        for rate in rates:
            money = rate["unitPrice"]
            if money.get("currencyCode", "USD") != "USD":
                raise RefreshError(f"{where}: is in {money['currencyCode']}, not in USD")
            whole, nanos = number(money.get("units") or "0", where), number(money.get("nanos") or 0, where)
            yield PriceRow(
                key=str(sku["skuId"]),
                name=description,
                unit=unit,
                above=number(rate.get("startUsageAmount") or 0, where),
                value=whole + nanos * NANO,
                attributes={
                    "description": description,
                    "resourceGroup": str(category.get("resourceGroup", "")),
                    "skuId": str(sku["skuId"]),
                },
            )
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise RefreshError(f"{where}: is not as documented: {error!r}") from None
