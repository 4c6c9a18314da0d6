"""The charts of a comparison as SVG text: bars by part, and cost curves over runs a month.

A table beside each has the same data; the page sets the colors by class.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape

from unmoor.pricing.line import KINDS, Kind, Total

from .comparison import Bill, BreakEven, Comparison, money_text, total_text

COLOURS = 6
WIDTH, ROW, BAR = 900, 52, 22
LEFT, RIGHT, TOP, BOTTOM, HEIGHT = 70, 20, 16, 48, 380
POINTS, CENT = 100, 0.01
# Widths of digits and heights of lines, to keep labels from overlapping.
LETTER, LINE = 8, 15
# Lines that share a colour, or are seen without colours, differ by their dashes.
DASHES = ("", "9 4", "2 4", "9 4 2 4", "16 4", "5 3 1 3")


def cost_bars_svg(bills: Sequence[Bill]) -> str:
    """A bar for each priced column, split by kind."""
    most = max((float(b.total().known) for b in bills), default=0.0) or 1.0
    height = ROW * len(bills) + 6
    return _svg(height, "What each costs a month, by part; the table below says the same", _bars(bills, most))


def _bars(bills: Sequence[Bill], most: float) -> Iterator[str]:
    for number, bill in enumerate(bills):
        top, x = number * ROW, 0.0
        text = total_text(bill.total()) if bill.is_priced else "no price"
        yield f'<text x="0" y="{top + 16}">{escape(_short(bill.title))}: {escape(text)}</text>'
        for place, kind in enumerate(KINDS):
            width = float(bill.total(kind).known) / most * WIDTH if bill.is_priced else 0.0
            if width > 0:
                yield (
                    f'<rect class="f{place}" x="{x:.1f}" y="{top + 22}" width="{width:.1f}" height="{BAR}">'
                    f"<title>{escape(_part(bill, kind))}</title></rect>"
                )
            x += width


def _part(bill: Bill, kind: Kind) -> str:
    return f"{bill.title}, {kind}: {total_text(bill.total(kind))}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Curves:
    """The cost of each priced column by number of runs, over the line items of `kinds`."""

    bills: tuple[Bill, ...]
    runs: tuple[Decimal, ...]
    totals: tuple[tuple[Total, ...], ...]
    points: tuple[BreakEven, ...]
    kinds: tuple[Kind, ...]


def cost_curves(comparison: Comparison) -> Curves:
    """Curves up to ten times the runs and past the last break-even point; without the model if it is equal for all."""
    bills = tuple(bill for bill in comparison.bills if bill.is_priced)
    points = comparison.break_evens()
    most = max([comparison.usage.runs * 10, Decimal(100), *(Decimal(p.runs) * 2 for p in points)])
    step = math.log(float(most)) / (POINTS - 1)
    runs = tuple(dict.fromkeys(Decimal(round(math.exp(step * n))) for n in range(POINTS)))
    alike = len({bill.total("model").known for bill in bills}) == 1
    kinds: tuple[Kind, ...] = tuple(kind for kind in KINDS if kind != "model" or not alike)
    totals = tuple(
        tuple(bill.offer.total(comparison.usage.with_runs(n), *kinds) for n in runs) if bill.offer else ()
        for bill in bills
    )
    return Curves(bills=bills, runs=runs, totals=totals, points=points, kinds=kinds)


def cost_curve_svg(found: Curves) -> str:
    """Curves on logarithmic axes, with a mark at each break-even point."""
    costs = [max(float(t.known), CENT) for totals in found.totals for t in totals]
    scale = _Scale(
        most_runs=float(found.runs[-1]),
        least=10 ** math.floor(math.log10(min(costs))),
        most=10 ** math.ceil(math.log10(max(costs) * 1.001)),
    )
    parts = [*scale.axes(), *_lines(found, scale), *_marks(found, scale)]
    return _svg(HEIGHT, "What each costs a month over runs a month; the table below says the same", parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scale:
    most_runs: float
    least: float
    most: float

    def x(self, runs: float) -> float:
        return LEFT + math.log10(max(runs, 1.0)) / math.log10(self.most_runs) * (WIDTH - LEFT - RIGHT)

    def y(self, cost: float) -> float:
        share = math.log10(max(cost, self.least) / self.least) / math.log10(self.most / self.least)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    def axes(self) -> Iterator[str]:
        for power in range(math.ceil(math.log10(self.least)), math.floor(math.log10(self.most)) + 1):
            y, text = self.y(10.0**power), f"${10**power:,}" if power >= 0 else f"${10.0**power:.2f}"
            yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            yield f'<text class="soft" x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{text}</text>'
        for power in range(math.floor(math.log10(self.most_runs)) + 1):
            x = self.x(10.0**power)
            yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>'
            yield (
                f'<text class="soft" x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{10**power:,}</text>'
            )
        yield (
            f'<text class="soft" x="{(WIDTH + LEFT) / 2:.0f}" y="{HEIGHT - 8}" text-anchor="middle">runs a month</text>'
        )


def _lines(found: Curves, scale: _Scale) -> Iterator[str]:
    for number, (bill, totals) in enumerate(zip(found.bills, found.totals, strict=True)):
        places = [
            f"{scale.x(float(runs)):.1f},{scale.y(float(total.known)):.1f}"
            for runs, total in zip(found.runs, totals, strict=True)
        ]
        yield (
            f'<polyline class="curve s{number % COLOURS}" stroke-dasharray="{DASHES[number % COLOURS]}" '
            f'points="{" ".join(places)}"><title>{escape(bill.title)}</title></polyline>'
        )


def _marks(found: Curves, scale: _Scale) -> Iterator[str]:
    by_title, occupied = {bill.title: bill for bill in found.bills}, list[tuple[float, float]]()
    for point in found.points:
        offer = by_title[point.cheaper].offer
        if offer is None:
            continue
        at = min(range(len(found.runs)), key=lambda n: abs(found.runs[n] - point.runs))
        cost = found.totals[found.bills.index(by_title[point.cheaper])][at].known
        x, y = scale.x(point.runs), scale.y(float(cost))
        text = f"from {point.runs:,} runs a month on {point.cheaper} costs no more than {point.dearer}"
        yield f'<circle class="mark" cx="{x:.1f}" cy="{y:.1f}" r="5"><title>{escape(text)}</title></circle>'
        if label := _label(f"{point.runs:,}", x, y, occupied):
            yield label


def _label(text: str, x: float, y: float, occupied: list[tuple[float, float]]) -> str:
    """A mark's label in a free place beside it; empty if there is none, since the list below has it."""
    width = LETTER * len(text)
    for right, below in ((True, True), (True, False), (False, False), (False, True)):
        left, base = (x + 9 if right else x - 9 - width), y + (18 if below else -9)
        clear = all(abs(left - other) > width + LETTER or abs(base - there) > LINE for other, there in occupied)
        if clear and LEFT < left < WIDTH - width:
            occupied.append((left, base))
            return f'<text x="{left:.1f}" y="{base:.1f}">{text}</text>'
    return ""


def legend_swatch(number: int, *, line: bool) -> str:
    """A color in a legend: a piece of its line, or a box."""
    drawn = (
        f'<path class="curve s{number % COLOURS}" stroke-dasharray="{DASHES[number % COLOURS]}" d="M0 6h30"/>'
        if line
        else f'<rect class="f{number}" width="30" height="12"/>'
    )
    return f'<svg viewBox="0 0 30 12" aria-hidden="true">{drawn}</svg>'


def cost_at(total: Total) -> str:
    return money_text(total.known) if total.is_complete else total_text(total)


def _svg(height: int, title: str, parts: Iterator[str] | Sequence[str]) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">{"".join(parts)}</svg>'


def _short(title: str) -> str:
    return title if len(title) <= 90 else f"{title[:89]}…"
