"""The pages about money: every list price with its source, and a comparison as the command makes it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

from docs_harnesses import put
from docs_markdown import GENERATED, code, table
from docs_targets import own_targets

from unmoor.compare import WhatIf
from unmoor.cost.compare_targets import compare_bills
from unmoor.cost.comparison import Comparison, total_text
from unmoor.cost.hosted_comparison import Reference, references
from unmoor.cost.hosted_platform_data import PLATFORMS
from unmoor.cost.hosted_platforms import TOPICS, SourcedFact
from unmoor.cost.sensitivity import swing_lines
from unmoor.cost.text import assumptions_used, break_even_lines, cost_rows
from unmoor.cost.workload import CONSTANTS
from unmoor.pricing.price_book import Allowance, Price, PriceBook
from unmoor.pricing.price_book_file import load_price_book
from unmoor.pricing.usage import Usage, number_text
from unmoor.spec.load import load as load_spec
from unmoor.target.registry import load

BEGIN = "<!-- Made by scripts/docs.py as the command makes it; change it there. -->"
BESIDE = "<!-- Reference rows, made by scripts/docs.py as the command makes them; change them there. -->"
# The day of the worked comparison, and regions whose prices the books have.
DAY = date(2026, 11, 25)
PRICED = WhatIf(
    changes={
        "targets.aws-ecs.region": "us-east-1",
        "targets.azure-container-apps.location": "eastus",
        "targets.gcp-cloud-run.region": "us-central1",
        "targets.vm-docker.machine": "t3.xlarge",
    }
)


def prices_page() -> str:
    """Every price and what is free, by target and by hosted platform."""
    lines = [GENERATED, "", "# List prices", "", INTRODUCTION, ""]
    books = {name: load_price_book(load(name).cost_by.partition(":")[0]) for name in own_targets()}
    books |= {f"{one.name}, for reference": one.book for one in PLATFORMS}
    for name, book in books.items():
        lines += [f"## {name}", "", *_prices(book), "", *_allowances(book), ""]
    return "\n".join(lines).rstrip() + "\n"


INTRODUCTION = """\
What `unmoor compare` reckons with, in US dollars. A region of `*` is every region. How sure a price is: read on the
vendor's `page`, said to come from its price `api`, or `recalled`. What is not in these tables is unknown, and makes a
total "at least"."""


def _prices(book: PriceBook) -> Iterator[str]:
    titles = ("price", "region", "US dollars", "unit", "the vendor's name", "source", "as of", "sure")
    yield from table(titles, (_price(price) for price in book.prices))


def _price(price: Price) -> tuple[str, ...]:
    per = f" for {number_text(price.per)}" if price.per != 1 else ""
    above = [f"; {t.value if t.value is not None else 'unknown'} above {number_text(t.above)}" for t in price.tiers]
    money, source = f"{price.value:f}{per}{''.join(above)}", f"[{_host(price.source)}]({price.source})"
    region, name = code(price.region), code(price.sku) if price.sku else "-"
    return code(price.id), region, money, price.unit, name, source, str(price.as_of), price.sure


def _allowances(book: PriceBook) -> Iterator[str]:
    if book.allowances:
        titles = ("free each month of", "quantity", "unit", "regions", "source", "as of", "sure")
        yield from table(titles, (_allowance(allowance) for allowance in book.allowances))


def _allowance(free: Allowance) -> tuple[str, ...]:
    covers, source = ", ".join(map(code, free.covers)), f"[{_host(free.source)}]({free.source})"
    regions = ", ".join(map(code, free.regions)) or "all"
    return covers, number_text(free.quantity), free.unit, regions, source, str(free.as_of), free.sure


def _host(url: str) -> str:
    return url.split("/")[2]


def cost_page(page: Path, examples: Path) -> str:
    """The page about money, with what is made put between its marks."""
    money = _compared(examples)
    text = put(page.read_text(encoding="utf-8"), list(_worked(money)), BEGIN)
    return put(text, list(_beside(money)), BESIDE)


def _compared(examples: Path) -> Comparison:
    said = (
        Usage().with_overrides({"runs": Decimal(200)}, "--runs").with_overrides({"minutes": Decimal(20)}, "--minutes")
    )
    example = load_spec(examples / "02-issue-triage")
    return compare_bills(example, own_targets(), [PRICED], usage=said, today=DAY, free_tier=True)


def _worked(money: Comparison) -> Iterator[str]:
    rows = [(title, *(cell.replace("\n", "<br>") for cell in cells)) for title, cells in cost_rows(money)]
    yield from table(("a month", *(bill.target for bill in money.bills)), rows)
    yield from ("", f"**{money.verdict()}**", "")
    yield from (f"- {line}" for line in (*break_even_lines(money), *assumptions_used(money), *CONSTANTS))
    yield from ("", "With `--explain`, what this answer stands on:", "")
    yield from (f"- {line}" for line in swing_lines(money))


def _beside(money: Comparison) -> Iterator[str]:
    found = references(money)
    yield from table(("platform", "compute a month", *TOPICS), (_beside_row(one) for one in found))
    yield ""
    yield from (f"- {one.platform.name}: {one.platform.note}" for one in found if one.platform.note)


def _beside_row(one: Reference) -> tuple[str, ...]:
    platform = one.platform
    topics = (_linked(platform.fact(topic)) for topic in TOPICS)
    return f"[{platform.name}]({platform.page})", total_text(one.total), *topics


def _linked(said: SourcedFact) -> str:
    return f"[{said.text}]({said.source})" if said.source else said.text
