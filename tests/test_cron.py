"""Cron: what it means, and what is refused because platforms disagree."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from unmoor.cron import CronError, fire_times, parse

SAME = [
    ("0 3 * * 1-5", "0 3 * * 1-5"),
    ("*/15 * * * *", "0,15,30,45 * * * *"),
    ("0 0 * JAN-MAR SUN", "0 0 * 1-3 0"),
    ("0 0 * * 7", "0 0 * * 0"),
    ("0 0 * * 5-7", "0 0 * * 0,5,6"),
    ("0 0 1,2 * 0-6", "0 0 * * *"),
    ("0 0 1-31 * 5", "0 0 * * *"),
    ("0  0\t*  * *", "0 0 * * *"),
]
REFUSED = [
    ("* * * *", "'* * * *' has 4 fields; write five: minute hour day-of-month month day-of-week"),
    ("0 0 0 * * *", "'0 0 0 * * *' has 6 fields; write five: minute hour day-of-month month day-of-week"),
    ("@daily", "@daily is a shorthand; write five fields, such as 0 0 * * *"),
    ("60 * * * *", "'60' is not a valid minute; write 0 to 59"),
    (
        "0 0 L * *",
        "'L' is not a valid day-of-month; L, W, # and ? are not part of five-field cron; list the days, or filter them in the prompt",
    ),
    (
        "0 0 * * 5#2",
        "'5#2' is not a valid day-of-week; L, W, # and ? are not part of five-field cron; list the days, or filter them in the prompt",
    ),
    (
        "0 0 ? * 1",
        "'?' is not a valid day-of-month; L, W, # and ? are not part of five-field cron; list the days, or filter them in the prompt",
    ),
    ("5/10 * * * *", "'5/10' is not a valid minute; give the step a range, such as 5-59/10"),
    ("*/0 * * * *", "'*/0' is not a valid minute; write a step as */15 or 0-30/10"),
    ("0 22-3 * * *", "'22-3' runs backwards in hour; write two ranges, such as 22-23,0-3"),
    ("0 0 30 2 *", "'0 0 30 2 *' never fires; name a day that one of its months has"),
    (
        "0 0 */2 * 1",
        "'*/2' with '1' is read differently by different platforms; list the days instead of stepping, or leave one of the two day fields *",
    ),
    ("٣ * * * *", "'٣' is not a valid minute; write numbers 0 to 59, lists, ranges and steps"),
]


@pytest.mark.parametrize(("written", "meant"), SAME)
def test_an_expression_is_what_it_means(written: str, meant: str) -> None:
    assert parse(written).text == meant
    assert parse(meant).text == meant


# How often each fires on the day on which Paris' clocks go from 03:00 back to 02:00, and on the one on which they go from
# 02:00 to 03:00: what Debian's cron does with the expression as it is written.
CHANGES = [
    ("*/20 2 * * *", 6, 0),
    ("0,20,40 2 * * *", 3, 1),
    ("0-59/20 2 * * *", 3, 1),
    ("30 */2 * * *", 13, 11),
    ("0 0-23 * * *", 24, 23),
    ("0 * * * *", 25, 23),
    ("*/5,7 2 * * *", 26, 0),
]


@pytest.mark.parametrize(("written", "back", "forward"), CHANGES)
def test_what_happens_when_clocks_change_is_decided_by_the_fields_as_written(
    written: str, back: int, forward: int
) -> None:
    paris = ZoneInfo("Europe/Paris")

    def count(day: datetime) -> int:
        times = fire_times(parse(written), day - timedelta(seconds=1), timezone="Europe/Paris")
        end = (day + timedelta(days=1)).astimezone(UTC)
        return sum(1 for _ in itertools.takewhile(lambda at: at.astimezone(UTC) < end, times))

    assert count(datetime(2026, 10, 25, tzinfo=paris)) == back
    assert count(datetime(2027, 3, 28, tzinfo=paris)) == forward


@pytest.mark.parametrize(("written", "message"), REFUSED, ids=[w for w, _ in REFUSED])
def test_an_expression_that_cannot_be_meant_is_refused(written: str, message: str) -> None:
    with pytest.raises(CronError) as caught:
        parse(written)
    assert str(caught.value) == message
