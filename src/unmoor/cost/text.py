"""A comparison as text: cost rows, assumptions and line items."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from unmoor.pricing.line import CostLine, Kind

from .comparison import INFRASTRUCTURE, Bill, Comparison, money_text, total_text
from .own_share import OwnShare
from .workload import CONSTANTS

LACKING = re.compile(r"no price of (.+?) in (.+)")
OWN_SHARE = "unmoor's own share"


def cost_rows(comparison: Comparison) -> list[tuple[str, tuple[str, ...]]]:
    """The rows of the cost table: a title, and a cell for each column."""
    bills = comparison.bills
    return [
        *(_row(kind, bills, kind) for kind in INFRASTRUCTURE),
        _row("infrastructure", bills, *INFRASTRUCTURE),
        (OWN_SHARE, tuple(share_text(bill.own_share(comparison.usage)) for bill in bills)),
        _row("model", bills, "model"),
        _row("total", bills),
        ("per additional run", tuple(_further(comparison, bill) for bill in bills)),
        ("missing prices", tuple("\n".join(missing_prices(bill)) or "-" for bill in bills)),
        ("note", tuple("\n".join(notes(comparison, bill)) or "-" for bill in bills)),
    ]


def share_text(share: OwnShare | None) -> str:
    """What unmoor costs above the same compute bare, and its parts in a second line."""
    if share is None:
        return "-"
    ratio = share.ratio(share.total)
    above = "" if ratio is None else f", {ratio * 100:.0f}% of {money_text(share.bare.known)} bare"
    parts = ", ".join(f"{name} {total_text(part)}" for name, part in share.parts())
    return f"{total_text(share.total)}{above}\n{parts}"


def missing_prices(bill: Bill) -> list[str]:
    """Why a bill is incomplete; missing prices of one place are joined in one line."""
    if bill.failed:
        return [bill.failed]
    alike: dict[str, list[str]] = {}
    others = list[str]()
    for reason in bill.total().missing:
        if match := LACKING.fullmatch(reason):
            alike.setdefault(match[2], []).append(match[1])
        else:
            others.append(reason)
    return [*(f"no price in {where} of {', '.join(ids)}" for where, ids in alike.items()), *others]


def notes(comparison: Comparison, bill: Bill) -> list[str]:
    """The notes of a bill: warnings, and notes of its line items."""
    if bill.offer is None:
        return []
    line_notes = dict.fromkeys(line.note for line in bill.lines if line.note and line.part != "model")
    return [*bill.offer.warnings(comparison.usage), *line_notes]


def break_even_lines(comparison: Comparison) -> list[str]:
    """The break-even points of two columns."""
    return [
        f"from {point.runs:,} runs a month on {point.cheaper} costs no more than {point.dearer}"
        for point in comparison.break_evens()
    ]


def assumptions_used(comparison: Comparison) -> list[str]:
    """The usage and its sources, and the other assumptions."""
    by_origin: dict[str, list[str]] = {}
    for words, origin in comparison.usage.assumptions():
        by_origin.setdefault(origin, []).append(words)
    free = "free tiers are deducted" if comparison.free_tier else "free tiers are ignored"
    return [
        *(f"{origin}: {', '.join(words)}" for origin, words in by_origin.items()),
        f"list prices in US dollars, a month of 730 hours; {free}",
    ]


def assumptions() -> tuple[str, ...]:
    """The assumptions of every figure."""
    return CONSTANTS


def explain_line(line: CostLine) -> str:
    """`730 hour x $0.005 = $3.65`, with the free tier, or why the amount is unknown."""
    free = f" less {amount_text(line.free)} free" if line.free else ""
    if line.amount is None:
        return f"{amount_text(line.quantity)} {line.unit}: {line.unknown}"
    if line.price is None:
        return f"{amount_text(line.quantity)} {line.unit} = {money_text(line.amount)}"
    per = f" for {amount_text(line.price.per)}" if line.price.per != 1 else ""
    return (
        f"{amount_text(line.quantity)}{free} {line.unit} x {_price(line.price.value)}{per} = {money_text(line.amount)}"
    )


def bill_line(line: CostLine) -> str:
    """A line item as text: its part, description, calculation and price source."""
    return f"  {line.part:<9} {line.what}: {explain_line(line)}" + (f"  [{source(line)}]" if line.price else "")


def source(line: CostLine) -> str:
    """A price's source, date and certainty."""
    price = line.price
    return f"{price.source} ({price.sku}, {price.as_of}, {price.sure})".replace("(, ", "(") if price else ""


def _price(value: Decimal) -> str:
    """All places of a price, two at least."""
    whole, _, places = f"{value:f}".partition(".")
    return f"${whole}.{places.rstrip('0').ljust(2, '0')}"


def amount_text(number: Decimal) -> str:
    """A quantity with a few places: `1,234.5`, `0.0004`."""
    places = 3 if abs(number) >= 1 else 6
    text = f"{number:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _row(title: str, bills: Sequence[Bill], *kinds: Kind) -> tuple[str, tuple[str, ...]]:
    return title, tuple(total_text(bill.total(*kinds)) if bill.is_priced else "-" for bill in bills)


def _further(comparison: Comparison, bill: Bill) -> str:
    return total_text(comparison.a_further_run(bill)) if bill.is_priced else "-"
