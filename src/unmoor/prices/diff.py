"""A price book with new rates, and the differences; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from unmoor.pricing.price_book import ANYWHERE, Allowance, Price, PriceBook, Tier

from .sku import Rate


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceChange:
    """A price before and after; `before` is None for a new region."""

    before: Price | None
    after: Price

    @property
    def differs(self) -> bool:
        before, after = self.before, self.after
        return before is None or (before.value / before.per, _each(before)) != (after.value / after.per, _each(after))

    def __str__(self) -> str:
        after = f"{_text(self.after)} {self.after.unit}"
        where = f"{self.after.id} in {self.after.region}"
        if self.before is None:
            return f"{where}: new, {after}"
        moved = (
            (self.after.unit_price - self.before.unit_price) / self.before.unit_price * 100
            if self.before.unit_price
            else Decimal(0)
        )
        percent = f" ({moved:+.1f}%)" if moved else ""
        return f"{where}: {_text(self.before)} -> {after}{percent}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    """The refreshed book, the changes, and notes."""

    book: PriceBook
    changes: tuple[PriceChange, ...]
    notes: tuple[str, ...]


def diff_book(book: PriceBook, rates: Sequence[Rate], *, homes: Sequence[str], today: date) -> Refreshed:
    """The book with these rates. A price for everywhere follows the vendor's home region; others are added where
    they differ.
    """
    prices, allowances = {(p.id, p.region): p for p in book.prices}, list(book.allowances)
    changes, notes = list[PriceChange](), list[str]()
    for rate in rates:
        change = _change(prices, rate, homes, today)
        if change is None:
            continue
        prices[change.after.id, change.after.region] = change.after
        changes.append(change)
        notes += _free(allowances, rate, change.after.unit, today)
    refreshed_book = PriceBook(prices=tuple(prices.values()), allowances=tuple(allowances), file=book.file)
    return Refreshed(book=refreshed_book, changes=tuple(changes), notes=tuple(dict.fromkeys(notes)))


def _change(prices: dict[tuple[str, str], Price], rate: Rate, homes: Sequence[str], today: date) -> PriceChange | None:
    id, region = rate.meter.price, rate.region
    own, common = prices.get((id, region)), prices.get((id, ANYWHERE))
    if own is None and common is not None and (rate.meter.everywhere or region in homes):
        own, region = common, ANYWHERE
    like = own or common or next((p for p in prices.values() if p.id == id), None)
    if like is None:
        return None
    value = rate.value * like.per
    tiers = tuple(Tier(above=above, value=cost * like.per) for above, cost in rate.tiers)
    after = replace(
        like,
        region=region,
        value=value,
        tiers=tiers,
        sku=rate.sku,
        source=rate.source,
        as_of=today,
        sure="api",
        sha256=rate.sha256,
    )
    change = PriceChange(before=own, after=after)
    # What holds everywhere needs no entry for a place at which it is the same.
    if own is None and common is not None and not PriceChange(before=common, after=after).differs:
        return None
    return change


def _free(allowances: list[Allowance], rate: Rate, unit: str, today: date) -> Iterator[str]:
    """Update the allowance for just this price, and note other free quantities."""
    id, where = rate.meter.price, f"{rate.meter.price} in {rate.region}"
    if not rate.free:
        return
    place = next((n for n, a in enumerate(allowances) if id in a.covers and a.holds_in(rate.region)), None)
    if place is None:
        yield f"{where}: the first {rate.free:f} {unit} are free, of which the book has nothing; add an allowance"
        return
    before = allowances[place]
    if before.unit != unit or before.covers != (id,):
        has = f"{before.quantity:f} {before.unit} as {before.id}"
        yield f"{where}: the first {rate.free:f} {unit} are free; the book has {has}"
        return
    if before.quantity != rate.free:
        yield f"{where}: free were {before.quantity:f} {unit}, and are {rate.free:f}"
    allowances[place] = replace(before, quantity=rate.free, source=rate.source, as_of=today, sure="api")


def _each(price: Price) -> tuple[tuple[Decimal, Decimal | None], ...]:
    return tuple((t.above, None if t.value is None else t.value / price.per) for t in price.tiers)


def _text(price: Price) -> str:
    per = f" for {price.per:f}" if price.per != 1 else ""
    tiers = "".join(f", above {t.above:f} {'unknown' if t.value is None else _plain(t.value)}" for t in price.tiers)
    return f"{_plain(price.value)}{per}{tiers}"


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"
