"""Renders the hosted platforms of a comparison as text, Markdown or JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from unmoor.cli.render.markdown import cell, link
from unmoor.cost.comparison import total_text
from unmoor.cost.hosted_comparison import EXPLAINED, TITLE, Reference
from unmoor.cost.hosted_platforms import TOPICS
from unmoor.cost.text import bill_line, explain_line, source


def reference_lines(found: Sequence[Reference]) -> Iterator[str]:
    """A line for each platform, with its unknown topics."""
    if found:
        yield f"{TITLE}: {EXPLAINED}"
    width = max((len(one.platform.name) for one in found), default=0)
    amount = max((len(total_text(one.total)) for one in found), default=0)
    for one in found:
        unknown = f"unknown of it: {', '.join(one.platform.unknown_topics)}" if one.platform.unknown_topics else ""
        yield f"  {one.platform.name:<{width}}  {total_text(one.total):>{amount}} a month  {unknown}".rstrip()


def explanation_lines(found: Sequence[Reference]) -> Iterator[str]:
    """Every known fact of each platform, with its source."""
    for one in found:
        yield from ("", f"{one.platform.name} ({TITLE})  [{one.platform.page}]")
        yield from map(bill_line, one.lines)
        if one.platform.note:
            yield f"  note: {one.platform.note}"
        for topic in TOPICS:
            fact = one.platform.fact(topic)
            yield f"  {topic}: {fact.text}" + (f"  [{fact.source}]" if fact.source else "")


def reference_markdown(found: Sequence[Reference], *, explain: bool) -> Iterator[str]:
    """A table of each platform's cost and facts; with `explain`, its line items too."""
    if not found:
        return
    titles = ("platform", "compute a month", *TOPICS)
    yield from ("", f"### {TITLE.capitalize()}", "", f"{EXPLAINED.capitalize()}.", "")
    yield from (f"| {' | '.join(titles)} |", "|---" * len(titles) + "|")
    for one in found:
        facts = (one.platform.fact(topic) for topic in TOPICS)
        topics = " | ".join(link(s.text, s.source) for s in facts)
        yield f"| {link(one.platform.name, one.platform.page)} | {total_text(one.total)} | {topics} |"
    notes = [f"- {one.platform.name}: {one.platform.note}" for one in found if one.platform.note]
    yield from ("", *notes) if notes else ()
    if explain:
        yield from ("", "| platform | what | a month | source |", "|---|---|---|---|")
        for one in found:
            for line in one.lines:
                parts = (one.platform.name, line.what, explain_line(line), source(line))
                yield f"| {' | '.join(map(cell, parts))} |"


def reference_values(found: Sequence[Reference]) -> list[dict[str, Any]]:
    """JSON values of each platform: known cost without the model, and a fact per topic."""
    return [
        {
            "platform": one.platform.name,
            "page": one.platform.page,
            "currency": "USD",
            "total": one.total.known,
            "whole": one.total.is_complete,
            "lacking": one.total.missing,
            "lines": one.lines,
            "note": one.platform.note,
            "topics": {topic: one.platform.fact(topic) for topic in TOPICS},
        }
        for one in found
    ]
