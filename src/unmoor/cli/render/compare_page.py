"""`unmoor compare --html`: a self-contained page without scripts or network access.

Everything that comes from a spec, a target or a price book is escaped; an address is a link only where it is https.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from importlib.resources import files
from itertools import groupby

from unmoor.cli.render.compare_text import ComparisonView
from unmoor.compare import Row, table_rows
from unmoor.cost.charts import Curves, cost_at, cost_bars_svg, cost_curve_svg, cost_curves, legend_swatch
from unmoor.cost.comparison import Bill, Comparison, money_text, total_text
from unmoor.cost.hosted_comparison import EXPLAINED, TITLE, Reference, old_references, references
from unmoor.cost.hosted_platforms import TOPICS, SourcedFact
from unmoor.cost.sensitivity import break_points, impacts, range_text
from unmoor.cost.text import assumptions, assumptions_used, break_even_lines, cost_rows, explain_line
from unmoor.pricing.line import KINDS, CostLine

# The page is self-contained and may load nothing.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
ROWS_OF_CURVE = 8


def page(view: ComparisonView) -> str:
    title = f"What {view.title} would cost and promise"
    style = files("unmoor.cost").joinpath("page.css").read_text(encoding="utf-8")
    body = "\n".join(_body(view, title))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>{escape(title)}</title>
<link rel="icon" href="data:,">
<style>
{style}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""


def _body(view: ComparisonView, title: str) -> Iterator[str]:
    money = view.money
    yield f"<h1>{escape(title)}</h1>"
    yield f'<p class="soft">List prices in US dollars as known on {money.today}; an estimate, not a quote.</p>'
    yield f'<p class="verdict">{escape(money.verdict())}</p>'
    yield from _costs(money)
    if any(bill.is_priced for bill in money.bills):
        yield from _over_runs(money)
        yield from _sensitivity(money)
    yield from _promises(view)
    yield from _hosted(money)
    yield from _standing(money)
    yield from _sources(money)


def _costs(money: Comparison) -> Iterator[str]:
    yield "<h2>Cost per month</h2>"
    yield _chart("Bars of cost by part", cost_bars_svg(money.bills))
    yield _legend([(kind, legend_swatch(n, line=False)) for n, kind in enumerate(KINDS)])
    titles = ["", *(bill.title for bill in money.bills)]
    found = cost_rows(money)
    sums = [(name, cells) for name, cells in found if name not in ("missing prices", "note")]
    yield _table("Cost per month in US dollars, by part", titles, sums, style="table-money", bold=("total",))
    for bill in money.bills:
        for name, cells in found:
            text = cells[money.bills.index(bill)]
            if name in ("missing prices", "note") and text != "-":
                yield f'<p class="soft pre"><strong>{escape(bill.title)}</strong> ({name}): {escape(text)}</p>'


def _over_runs(money: Comparison) -> Iterator[str]:
    found = cost_curves(money)
    yield "<h2>Cost by runs per month</h2>"
    without = "" if "model" in found.kinds else ", without the model, which costs the same in every column"
    yield f'<p class="soft">Infrastructure{without}. Each step of the grid is ten times the last.</p>'
    yield _chart("Curves of cost over runs", cost_curve_svg(found))
    yield _legend([(bill.title + _open(bill), legend_swatch(n, line=True)) for n, bill in enumerate(found.bills)])
    points = break_even_lines(money)
    yield _list(points) if points else "<p>No two columns with complete prices have a break-even point.</p>"
    yield _table(
        "Cost per month at numbers of runs a month",
        ["runs a month", *(bill.title for bill in found.bills)],
        list(_curve_rows(found)),
        style="table-money",
    )


def _open(bill: Bill) -> str:
    return "" if bill.total().is_complete else " (at least)"


def _curve_rows(found: Curves) -> Iterator[tuple[str, tuple[str, ...]]]:
    places = sorted({round(n * (len(found.runs) - 1) / (ROWS_OF_CURVE - 1)) for n in range(ROWS_OF_CURVE)})
    for at in places:
        yield f"{found.runs[at]:,}", tuple(cost_at(totals[at]) for totals in found.totals)


def _sensitivity(comparison: Comparison) -> Iterator[str]:
    found = impacts(comparison)
    if not found:
        return
    yield "<h2>Sensitivity</h2>"
    cells = [(s.words, (money_text(s.half), money_text(s.double), money_text(s.size))) for s in found]
    titles = ["assumption", "at half", "at double", "difference"]
    caption = "Monthly cost of the cheapest column with complete prices, if one assumption changes"
    yield _table(caption, titles, cells, style="table-money")
    within = [
        f"The cheapest column with complete prices stays the cheapest {range_text(one)}."
        for one in break_points(comparison)
    ]
    yield _list(within) if within else "<p>No single assumption makes another column the cheapest.</p>"


def _promises(view: ComparisonView) -> Iterator[str]:
    yield "<h2>Guarantees</h2>"
    found = table_rows(view.columns)
    head = "".join(f'<th scope="col">{escape(c.title)}</th>' for c in view.columns)
    lines = [f'<thead><tr><th scope="col"><span class="soft">topic</span></th>{head}</tr></thead><tbody>']
    for section, members in groupby(found, key=lambda row: row.section):
        lines.append(
            f'<tr class="section"><th scope="colgroup" colspan="{len(view.columns) + 1}">{escape(section)}</th></tr>'
        )
        lines += [_promise(row) for row in members]
    yield _wide("Guarantees and limits of each target", "".join([*lines, "</tbody>"]))


def _promise(row: Row) -> str:
    cells = "".join(f'<td class="pre {_cell_class(cell)}">{escape(cell)}</td>' for cell in row.cells)
    return f'<tr><th scope="row">{escape(row.title)}</th>{cells}</tr>'


def _cell_class(cell: str) -> str:
    if cell.startswith(("refused", "not compiled", "absent")):
        return "bad"
    if cell.startswith("advisory"):
        return "warn"
    return "good" if cell == "yes" or cell.startswith("enforced") else ""


def _hosted(money: Comparison) -> Iterator[str]:
    found = references(money)
    if not found:
        return
    yield f"<h2>Hosted platforms, {escape(TITLE)}</h2>"
    yield f'<p class="soft">{escape(EXPLAINED.capitalize())}.</p>'
    head = "".join(f'<th scope="col">{escape(t)}</th>' for t in ("platform", "compute a month", *TOPICS))
    lines = "".join(_platform(one) for one in found)
    yield _wide("Reference: hosted platforms", f"<thead><tr>{head}</tr></thead><tbody>{lines}</tbody>")
    yield _list([f"{one.platform.name}: {one.platform.note}" for one in found if one.platform.note])


def _platform(one: Reference) -> str:
    platform = one.platform
    topics = "".join(f"<td>{_fact(platform.fact(topic))}</td>" for topic in TOPICS)
    cost = escape(total_text(one.total))
    return f'<tr><th scope="row">{_link(platform.page, platform.name)}</th><td>{cost}</td>{topics}</tr>'


def _fact(fact: SourcedFact) -> str:
    return _link(fact.source, fact.text) if fact.source else f'<span class="soft">{escape(fact.text)}</span>'


def _standing(money: Comparison) -> Iterator[str]:
    yield "<h2>Assumptions</h2>"
    reference = old_references(references(money), money.today)
    old = [f"old prices: {line}" for line in (*money.old_books(), *reference)]
    yield _list([*assumptions_used(money), *assumptions(), *old])


def _sources(money: Comparison) -> Iterator[str]:
    yield "<h2>Line items and price sources</h2>"
    bills = [(bill.title, bill.lines) for bill in money.bills if bill.is_priced]
    for title, found in (*bills, *((f"{r.platform.name} ({TITLE})", r.lines) for r in references(money))):
        yield f"<h3>{escape(title)}</h3>"
        head = "".join(f'<th scope="col">{t}</th>' for t in ("part", "what", "a month", "source"))
        lines = "".join(_line(line) for line in found)
        yield _wide(f"The lines of {title}", f"<thead><tr>{head}</tr></thead><tbody>{lines}</tbody>")


def _line(line: CostLine) -> str:
    price = line.price
    where = f"{_link(price.source, price.sku or price.id)}, {price.as_of}, {escape(price.sure)}" if price else "-"
    return (
        f'<tr><th scope="row">{escape(line.part)}</th><td>{escape(line.what)}</td>'
        f"<td>{escape(explain_line(line))}</td><td>{where}</td></tr>"
    )


def _chart(name: str, drawn: str) -> str:
    """A chart in a region that scrolls on narrow screens, also by keyboard."""
    return f'<div class="chart" role="region" tabindex="0" aria-label="{escape(name)}">{drawn}</div>'


def _table(
    caption: str,
    titles: Sequence[str],
    lines: Iterable[tuple[str, Sequence[str]]],
    *,
    style: str,
    bold: Sequence[str] = (),
) -> str:
    head = "".join(f'<th scope="col">{escape(t) or "<span>part</span>"}</th>' for t in titles)
    body = "".join(
        f'<tr{" class=total" if name in bold else ""}><th scope="row">{escape(name)}</th>'
        + "".join(f'<td class="pre money">{escape(cell)}</td>' for cell in cells)
        + "</tr>"
        for name, cells in lines
    )
    return _wide(caption, f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>", style)


def _wide(caption: str, content: str, style: str = "") -> str:
    """A table in a region that scrolls if it is too wide, also by keyboard."""
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="{escape(caption)}">'
        f'<table class="{style}"><caption>{escape(caption)}</caption>{content}</table></div>'
    )


def _legend(entries: Sequence[tuple[str, str]]) -> str:
    return '<ul class="legend">' + "".join(f"<li>{drawn}{escape(text)}</li>" for text, drawn in entries) + "</ul>"


def _list(lines: Sequence[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def _link(address: str, text: str) -> str:
    if not address.startswith("https://"):
        return escape(text)
    return f'<a href="{escape(address)}" rel="noopener noreferrer">{escape(text)}</a>'
