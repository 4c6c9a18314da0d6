"""`unmoor cost`."""

from __future__ import annotations

import asyncio
import csv
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import typer

from unmoor.cli.render.values import print_json
from unmoor.cost.actual_costs import (
    By,
    SpendGroup,
    compute_pricer,
    group_spend,
    share_pricer,
    total_share,
    total_spend,
)
from unmoor.cost.comparison import money_text, total_text
from unmoor.cost.own_share import NO_SHARE, OwnShare
from unmoor.cost.quote import quote
from unmoor.cost.run_records import RunRecords, runs_since
from unmoor.local_folders import data_folder
from unmoor.pricing.line import Total
from unmoor.pricing.usage import number_text
from unmoor.quantities import seconds
from unmoor.runtime.guard.budget.day_record import day_key, parse_day_record
from unmoor.runtime.store import Store, open_store
from unmoor.spec.load import Loaded, load
from unmoor.target.choose import select_target

COLUMNS = ("runs", "minutes", "tokens in", "cached", "tokens out", "model", "compute", "total")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What runs since a time have cost; `target` is where their seconds were priced, or empty."""

    store: str
    since: datetime
    by: By
    target: str
    groups: tuple[SpendGroup, ...]
    all: SpendGroup
    going: int
    unreadable: tuple[str, ...]
    spent_today: Decimal
    budget: Decimal | None
    share: OwnShare = NO_SHARE

    def footnotes(self) -> Iterator[str]:
        """The lines below the table."""
        if not self.target:
            yield "compute: pass -t TARGET to price run seconds"
        if (ratio := self.share.ratio(self.share.guard)) is not None:
            guard, bare = money_text(self.share.guard.known), money_text(self.share.bare.known)
            yield f"unmoor's own share of compute: {guard} for guards, {ratio * 100:.0f}% of {bare} bare"
        if self.going:
            yield f"{self.going} have not ended; their compute cost is not counted yet"
        if self.unreadable:
            yield f"{len(self.unreadable)} records cannot be read, {self.unreadable[0]} among them"
        yield from self.all.total.missing
        today = f"today (UTC): {money_text(self.spent_today)} spent on the model"
        if self.budget is None:
            yield f"{today}; budget.per_day_usd sets no limit"
        else:
            left = money_text(max(self.budget - self.spent_today, Decimal(0)))
            yield f"{today} of {money_text(self.budget)}, {left} left"


def run(
    file: Path, environment: str | None, target: str, *, store: str, since: str, by: By, form: str, now: datetime
) -> None:
    loaded = load(file, environment)
    url = store or (data_folder() / "dev" / loaded.plan.agent / "store").as_uri()
    name, compute, share = _compute(loaded, target, now)
    found, today = asyncio.run(_read(open_store(url), now - timedelta(seconds=_since(since)), now))
    report = Report(
        store=url,
        since=now - timedelta(seconds=_since(since)),
        by=by,
        target=name,
        groups=group_spend(found.records, by, compute),
        all=total_spend(found.records, compute),
        going=sum(not record.is_final for record in found.records),
        unreadable=found.unreadable,
        spent_today=today,
        budget=loaded.plan.budget_per_day_usd,
        share=total_share(found.records, share),
    )
    {"json": _json, "csv": _csv}.get(form, _table)(report)


def _since(text: str) -> int:
    try:
        return seconds(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--since") from None


def _compute(
    loaded: Loaded, target: str, now: datetime
) -> tuple[str, Callable[[Decimal], Total], Callable[[Decimal], OwnShare]]:
    """The target whose prices apply, by default the spec's only one, and its pricers of run seconds."""
    name = target or (next(iter(loaded.settings)) if len(loaded.settings) == 1 else "")
    if not name:
        return "", lambda seconds: Total(), lambda seconds: NO_SHARE
    offer = quote(select_target(loaded, name).require_accepted(), today=now.date(), free_tier=False)
    return name, compute_pricer(offer), share_pricer(offer)


async def _read(store: Store, since: datetime, now: datetime) -> tuple[RunRecords, Decimal]:
    found, book = await asyncio.gather(runs_since(store, since), store.get(day_key(now.date())))
    return found, parse_day_record(now.date(), book).total


def _json(report: Report) -> None:
    print_json(
        {
            "store": report.store,
            "since": report.since.isoformat(),
            "by": report.by,
            "target": report.target,
            "groups": [_values(group) for group in report.groups],
            "all": _values(report.all),
            "own_share": {"bare_usd": report.share.bare.known, "guard_usd": report.share.guard.known},
            "going": report.going,
            "unreadable": report.unreadable,
            "today": {"spent_usd": report.spent_today, "per_day_usd": report.budget},
        }
    )


def _values(group: SpendGroup) -> dict[str, Any]:
    """JSON values; sums contain known amounts, and `lacking` lists the reasons for unknown ones."""
    return {
        "key": group.key,
        "runs": group.runs,
        "seconds": group.seconds,
        "tokens": group.tokens,
        "model_usd": group.model.known,
        "compute_usd": group.compute.known,
        "total_usd": group.total.known,
        "lacking": group.total.missing,
    }


def _csv(report: Report) -> None:
    """A CSV row for each group; `whole` is False if its sum is incomplete."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    tokens = ("input", "cached_input", "output")
    writer.writerow([report.by, "runs", "seconds", *tokens, "model_usd", "compute_usd", "total_usd", "whole"])
    for group in report.groups:
        used = [getattr(group.tokens, name) for name in tokens]
        sums = [f"{total.known:f}" for total in (group.model, group.compute, group.total)]
        writer.writerow([_safe(group.key), group.runs, f"{group.seconds:f}", *used, *sums, group.total.is_complete])


def _safe(text: str) -> str:
    """Escapes spreadsheet formulas: a session key may come from an untrusted event."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _table(report: Report) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    console = console if console.is_terminal else Console(width=140)
    where = f" at {report.target}'s prices" if report.target else ""
    table = Table(title=f"since {report.since:%Y-%m-%d %H:%M} UTC{where}", header_style="bold")
    table.add_column(report.by, overflow="fold")
    for title in COLUMNS:
        table.add_column(title, justify="right")
    for group in report.groups:
        table.add_row(Text(group.key or "-"), *_cells(group, report))
    table.add_section()
    table.add_row("all", *_cells(report.all, report))
    console.print(table)
    for line in report.footnotes():
        console.print(Text(line))


def _cells(group: SpendGroup, report: Report) -> list[str]:
    tokens = (group.tokens.input, group.tokens.cached_input, group.tokens.output)
    compute = total_text(group.compute) if report.target else "-"
    sums = (total_text(group.model), compute, total_text(group.total))
    return [str(group.runs), number_text(group.seconds / 60), *(f"{n:,}" for n in tokens), *sums]
