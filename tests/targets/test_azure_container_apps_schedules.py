"""Schedules on Container Apps: shifted into UTC only where the shifted expression fires at the very same times."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from unmoor.cron import CronError, fire_times, parse
from unmoor.plan import Schedule
from unmoor.targets.azure_container_apps.utc import fixed_offset_minutes, shift_cron, utc_cron

pytestmark = pytest.mark.slow

# Before changes of clocks in Europe and America, and before a leap day.
STARTS = (datetime(2026, 10, 23, 23, 59, tzinfo=UTC), datetime(2028, 2, 27, 11, 30, tzinfo=UTC))
EXPRESSIBLE = (
    ("0 3 * * *", "UTC"),
    ("*/7 * * * *", "UTC"),
    ("0 0 1 * 1", "UTC"),
    ("15 4 31 1-6/2 *", "Etc/GMT"),
    ("30 2 * * *", "Asia/Tokyo"),
    ("30 2 * * 1-5", "Asia/Tokyo"),
    ("0 23 * * 6", "America/Phoenix"),
    ("0 20 * * 0,3", "America/Phoenix"),
    ("0,30 8-10 * * *", "America/Argentina/Buenos_Aires"),
    ("0 0-23/6 * * *", "Asia/Dubai"),
    ("45 6 * * 1", "Asia/Kolkata"),
    ("*/30 * * * *", "Asia/Kolkata"),
    ("15 12 1 3-12/3 *", "Asia/Kathmandu"),
    ("0 12 15 * *", "Africa/Nairobi"),
    ("10 9 1-7 * 1", "Asia/Singapore"),
    ("59 23 * * *", "Pacific/Honolulu"),
)


def platform_firings(expression: str, start: datetime) -> Iterator[datetime]:
    """What a job's schedule means: crontab(5) in UTC, one minute at the finest."""
    minute, hour, day, month, weekday = expression.split()
    at = start.replace(second=0, microsecond=0) + timedelta(minutes=1)
    while True:
        days = _in(day, at.day, 1), _in(weekday, at.isoweekday() % 7, 0)
        matches = any(days) if "*" not in (day, weekday) else all(days)
        if not (matches and _in(month, at.month, 1)):
            at = at.replace(hour=0, minute=0) + timedelta(days=1)
        elif not _in(hour, at.hour, 0):
            at = at.replace(minute=0) + timedelta(hours=1)
        else:
            if _in(minute, at.minute, 0):
                yield at
            at += timedelta(minutes=1)


def _in(field: str, value: int, low: int) -> bool:
    """Whether a field of numbers, ranges, lists and steps has the value."""
    for part in field.split(","):
        match = re.fullmatch(r"(\*|(\d+)(?:-(\d+))?)(?:/(\d+))?", part)
        assert match, part
        first = low if match[1] == "*" else int(match[2])
        last = 59 if match[1] == "*" else int(match[3] or match[2])
        if first <= value <= last and (value - first) % int(match[4] or 1) == 0:
            return True
    return False


def schedule(cron: str, timezone: str) -> Schedule:
    return Schedule(name="nightly", prompt="go", cron=cron, timezone=timezone, missed="skip")


@pytest.mark.parametrize(("cron", "timezone"), EXPRESSIBLE)
def test_the_shifted_expression_fires_when_the_schedule_does(cron, timezone):
    given = utc_cron(schedule(cron, timezone))
    for start in STARTS:
        wanted = [at.astimezone(UTC) for at in islice(fire_times(parse(cron), start, timezone=timezone), 500)]
        assert list(islice(platform_firings(given, start), 500)) == wanted


@pytest.mark.parametrize(
    ("cron", "timezone", "given"),
    [
        ("30 2 * * 1-5", "Asia/Tokyo", "30 17 * * 0-4"),
        ("0 23 * * 6", "America/Phoenix", "0 6 * * 0"),
        ("*/30 * * * *", "Asia/Kolkata", "0,30 * * * *"),
        ("0 3 * * *", "UTC", "0 3 * * *"),
    ],
)
def test_a_fixed_zone_is_shifted(cron, timezone, given):
    assert utc_cron(schedule(cron, timezone)) == given


@pytest.mark.parametrize("timezone", ["Europe/Paris", "America/New_York", "Australia/Sydney", "Africa/Casablanca"])
def test_a_zone_with_daylight_saving_time_is_refused(timezone):
    with pytest.raises(CronError) as refusal:
        utc_cron(schedule("0 12 * * *", timezone))
    assert refusal.value.rule == f"{timezone} has daylight saving time, and a job's schedule is in UTC"
    assert refusal.value.remedy == (
        "write the schedule in UTC, or override this trigger in an environment for this target"
    )


@pytest.mark.parametrize(
    ("cron", "why"),
    [
        ("30 2 1 * *", "it crosses midnight, and days of the month do not move alike"),
        ("30 2 * 3 *", "it crosses midnight, and days of the month do not move alike"),
        ("0 8,10 * * 1-5", "only some of its times cross midnight"),
    ],
)
def test_a_shift_that_is_no_expression_is_refused(cron, why):
    with pytest.raises(CronError) as refusal:
        utc_cron(schedule(cron, "Asia/Tokyo"))
    assert str(refusal.value) == (
        f"a job's schedule is in UTC, and shifted there {why}; write it in UTC, as several triggers"
    )


def test_a_shift_by_half_an_hour_that_tears_hours_and_minutes_apart_is_refused():
    with pytest.raises(CronError, match="its hours and minutes are no longer one expression"):
        shift_cron(parse("0,45 8 * * *"), 330)


@pytest.mark.parametrize(
    ("timezone", "minutes"),
    [("UTC", 0), ("Asia/Kolkata", 330), ("America/Phoenix", -420), ("Asia/Kathmandu", 345), ("Europe/Paris", None)],
)
def test_an_offset_is_fixed_where_no_rule_changes_it(timezone, minutes):
    assert fixed_offset_minutes(timezone) == minutes
