"""`unmoor prices` and `unmoor prices refresh`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from importlib.resources import as_file, files
from pathlib import Path

import typer

from unmoor.cli.render.values import print_json
from unmoor.errors import UnmoorError
from unmoor.prices.book_writer import book_text, write_book
from unmoor.prices.diff import Refreshed
from unmoor.prices.refresh import refresh
from unmoor.prices.sku import RefreshError
from unmoor.pricing.price_book import PriceBook
from unmoor.pricing.price_book_file import FILE, load_price_book, read_book
from unmoor.target import Target
from unmoor.target.registry import load, names


@dataclass(frozen=True, slots=True, kw_only=True)
class BookSummary:
    """A price book's summary: the number of prices, their dates, and how many are stale."""

    target: str
    prices: int
    oldest: date | None
    newest: date | None
    days: int
    old: int
    recalled: int
    regions: tuple[str, ...]


def list_books(*, as_json: bool, today: date) -> None:
    """Prints a line for each installed target's book, with the age of its oldest price."""
    found = list(_books(today))
    if as_json:
        print_json([asdict(one) for one in found])
        return
    width = max((len(one.target) for one in found), default=0)
    for one in found:
        typer.echo(f"{one.target:<{width}}  {_line(one)}")


def _books(today: date) -> Iterator[BookSummary]:
    for name in names():
        try:
            target = load(name)
        except UnmoorError as error:
            typer.echo(f"{name}: {error}", err=True)
            continue
        book = load_price_book(target.cost_by.partition(":")[0]) if target.cost_by else PriceBook(prices=())
        days = [price.as_of for price in book.prices]
        yield BookSummary(
            target=name,
            prices=len(days),
            oldest=min(days, default=None),
            newest=max(days, default=None),
            days=(today - min(days)).days if days else 0,
            old=len(book.stale_prices(today)),
            recalled=sum(price.sure == "recalled" for price in book.prices),
            regions=tuple(dict.fromkeys(p.region for p in book.prices)),
        )


def _line(one: BookSummary) -> str:
    if not one.prices:
        return "no price book"
    return (
        f"{one.prices} prices of {one.oldest} to {one.newest}, oldest {one.days} days old; "
        f"{one.old} older than 90 days, {one.recalled} recalled"
    )


def refresh_books(targets: Sequence[str], regions: Sequence[str], *, yes: bool, today: date | None = None) -> None:
    """Reads the vendors' lists for these targets, shows changes, asks, and writes all books or none."""
    chosen = [load(name) for name in dict.fromkeys(targets)] or [t for t in map(load, names()) if t.price_sources_by]
    day = today or datetime.now(UTC).date()
    made, problems = list[tuple[Path, Refreshed]](), list[str]()
    for target in chosen:
        try:
            found = _refresh(target, regions, day)
            made.append((_file(target), found))
            _show(target.name, found)
        except RefreshError as error:
            problems += [f"{target.name}: {line}" for line in str(error).splitlines()]
    if problems:
        raise RefreshError("\n".join([*problems, "no book was changed"]))
    if not yes:
        typer.confirm("Write this?", abort=True)
    texts = [(file, book_text(found.book)) for file, found in made]
    for file, text in texts:
        read_book(text.encode(), str(file))  # never write a book that cannot be read back
    for file, text in texts:
        write_book(file, text)
        typer.echo(f"wrote {file}")


def _refresh(target: Target, regions: Sequence[str], today: date) -> Refreshed:
    book, prices = load_price_book(target.cost_by.partition(":")[0]), target.price_sources()
    queries, vendors = (prices.queries, prices.vendors) if prices else ((), {})
    sources = {name: reader() for name, reader in vendors.items()}
    return refresh(book, queries, sources=sources, regions=regions, today=today, said=_progress)


def _file(target: Target) -> Path:
    package = target.cost_by.partition(":")[0].rpartition(".")[0]
    with as_file(files(package) / FILE) as file:
        return Path(file)


def _progress(line: str) -> None:
    typer.echo(line, err=True)


def _show(name: str, found: Refreshed) -> None:
    differ = [change for change in found.changes if change.differs]
    for change in differ:
        typer.echo(f"{name}: {change}")
    typer.echo(f"{name}: {len(found.changes) - len(differ)} prices are unchanged")
    for note in found.notes:
        typer.echo(f"{name}: {note}")
