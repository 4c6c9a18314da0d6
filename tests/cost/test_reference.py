"""Hosted platforms beside a comparison: priced by their own meters, unknown where no source says, marked as no targets."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from books import D
from test_comparison import compared
from test_page import shown

from unmoor.cli.render.compare_hosted import explanation_lines, reference_lines, reference_markdown, reference_values
from unmoor.cli.render.compare_text import as_markdown
from unmoor.cost.hosted_comparison import Reference, old_references, references
from unmoor.cost.hosted_platform_data import PLATFORMS
from unmoor.cost.hosted_platforms import TOPICS, HostedPlatform
from unmoor.pricing.usage import Usage

USAGE = Usage(runs=D(100), minutes=D(10))


def found(usage: Usage = USAGE, **changes: Any) -> dict[str, Reference]:
    """The platforms beside 100 runs of 10 minutes, 16.667 hours, with 1 processor, 2Gi and 4Gi of disk."""
    money = replace(compared("flat", usage=usage), free_tier=False, **changes)
    return {one.platform.name: one for one in references(money)}


@pytest.mark.parametrize(
    ("platform", "reckoned"),
    [
        ("Anthropic Managed Agents", D("0.08")),
        ("AWS AgentCore Runtime", D("0.0895") + 2 * D("0.00945")),
        ("Azure AI Foundry hosted agents", D("0.10") + 2 * D("0.01")),
        ("Vertex AI Agent Engine", D("0.085") + 2 * D("0.009")),
    ],
)
def test_each_has_its_own_meters_of_the_hours_that_runs_take(platform: str, reckoned: D) -> None:
    total = found()[platform].total
    assert total.is_complete
    assert round(total.known, 4) == round(reckoned * 1000 / 60, 4)


def test_a_processor_may_bring_more_memory_than_is_asked_for_and_disks_and_starts_are_metered() -> None:
    """60,000 s: Cloudflare 0.000020 + 3 x 0.0000025, and 4Gi = 4.295 GB of disk; Vercel 16.667 h and 100 starts."""
    cloudflare, vercel = found()["Cloudflare Sandbox"].total, found()["Vercel Sandbox"].total
    disk = D(4 * 1024**3) / 1000**3 * 60_000 * D("0.00000007")
    assert round(cloudflare.known, 6) == round(60_000 * D("0.0000275") + disk, 6)
    assert round(vercel.known, 6) == round(D(1000) / 60 * (D("0.128") + 2 * D("0.0212")) + D("0.00006"), 6)


def test_what_is_free_is_taken_off_as_for_targets() -> None:
    money = compared("flat", usage=USAGE)
    [google] = [one for one in references(money) if one.platform.name.startswith("Vertex")]
    assert google.total.known == 0
    assert [line.free for line in google.lines] == [line.quantity for line in google.lines]


def test_a_meter_without_a_price_is_unknown_and_no_zero() -> None:
    made = compared("flat").bills[0].offer
    assert made is not None
    lines = HostedPlatform(name="new", page="https://example.com").lines(made.plan, USAGE)
    assert [line.amount for line in lines] == [None, None]
    assert reference_values([Reference(platform=HostedPlatform(name="new", page=""), lines=lines)])[0]["whole"] is False


def test_what_a_platform_says_has_a_source_and_the_rest_is_unknown_which_is_not_no() -> None:
    for one in PLATFORMS:
        assert set(one.facts) <= set(TOPICS)
        assert set(one.unknown_topics) == set(TOPICS) - set(one.facts)
        assert all(said.source.startswith("https://") for said in one.facts.values())
        assert all(price.source.startswith("https://") for price in one.prices)
        assert {m for m in one.meters if one.book.find(m, "*")} == {price.id for price in one.prices}
        assert "no" not in {said.text for said in one.facts.values()}


def test_in_the_terminal_each_has_a_line_under_what_they_are() -> None:
    lines = list(reference_lines(list(found().values())))
    assert lines[0].startswith("for reference, no targets: the same runs at the compute prices of hosted platforms")
    assert lines[1] == "  Anthropic Managed Agents        $1.33 a month  unknown of it: email"
    assert len(lines) == len(PLATFORMS) + 1
    assert list(reference_lines([])) == []


def test_explained_it_has_every_price_and_topic_with_its_source() -> None:
    said = "\n".join(explanation_lines(list(found().values())))
    assert "sessions that run: 16.667 session-hour x $0.08 = $1.33  [https://platform.claude.com/" in said
    assert "  egress list: allowed_hosts where networking is limited  [https://platform.claude.com/" in said
    assert "\n  email: unknown\n" in said


def test_markdown_has_a_table_of_them_and_their_lines_where_asked() -> None:
    brief, full = (list(reference_markdown(list(found().values()), explain=e)) for e in (False, True))
    assert brief[1] == "### For reference, no targets"
    [row] = [line for line in brief if line.startswith("| [Azure AI Foundry hosted agents](https://")]
    assert row.count("|") == len(TOPICS) + 3
    assert " | unknown | " in row
    assert "| Vercel Sandbox | starts | 100 run x $0.60 for 1,000,000 = $0.0001 | https://vercel.com/" in "\n".join(
        full
    )
    assert full[: len(brief)] == brief
    assert list(reference_markdown([], explain=True)) == []


def test_markdown_of_a_comparison_ends_where_the_cheapest_stays_so_only_with_explain() -> None:
    made = shown("flat", "metered")
    within = "- metered stays the cheapest below 40"
    assert within not in "\n".join(as_markdown(made))
    assert within in "\n".join(as_markdown(replace(made, explain=True)))


def test_old_prices_of_them_are_named() -> None:
    named = old_references(found().values(), date(2027, 1, 6))
    assert "AWS AgentCore Runtime: 2 of 2 prices are older than 90 days, the oldest of 2026-09-09" in named
    assert old_references(found().values(), date(2026, 9, 10)) == ()


def test_nothing_is_said_of_them_where_no_target_takes_the_plan() -> None:
    assert references(replace(compared("flat"), bills=())) == ()
