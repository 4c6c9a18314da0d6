"""Known facts of each hosted platform, with sources, from hosted_platforms.json; an absent fact is unknown, not a no.

A price is `page` if the vendor's own page states it as of that day, and `recalled` if somebody else quotes it.
"""

from __future__ import annotations

import json
from decimal import Decimal
from importlib.resources import files
from typing import Any

from unmoor.pricing.price_book_file import FORMAT, read_book

from .hosted_platforms import SIZED, HostedPlatform, SourcedFact

FILE = "hosted_platforms.json"


def _platform(raw: dict[str, Any]) -> HostedPlatform:
    prices = {"format": FORMAT, "prices": raw["prices"], "allowances": raw.get("allowances", [])}
    book = read_book(json.dumps(prices).encode(), f"{FILE}: {raw['name']}")
    return HostedPlatform(
        name=raw["name"],
        page=raw["page"],
        prices=book.prices,
        free=book.allowances,
        meters=tuple(raw.get("meters", SIZED)),
        least_gib=Decimal(raw.get("least_gib", 0)),
        facts={topic: SourcedFact(text=text, source=url) for topic, (text, url) in raw["facts"].items()},
        note=raw["note"],
    )


PLATFORMS = tuple(map(_platform, json.loads((files("unmoor.cost") / FILE).read_text(encoding="utf-8"))))
