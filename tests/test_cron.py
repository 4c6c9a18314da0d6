"""Cron: what it means, and what is refused because platforms disagree."""

from __future__ import annotations

import pytest

from unmoor.cron import CronError, parse

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
    assert parse(meant) == parse(written)


@pytest.mark.parametrize(("written", "message"), REFUSED, ids=[w for w, _ in REFUSED])
def test_an_expression_that_cannot_be_meant_is_refused(written: str, message: str) -> None:
    with pytest.raises(CronError) as caught:
        parse(written)
    assert str(caught.value) == message
