"""Schedules on Cloud Run: the same expression, and the same firings but where a change of clocks is met and said."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from unmoor.cron import fire_times, parse
from unmoor.plan import Schedule
from unmoor.spec.make_plan import make_plan
from unmoor.spec.models import Spec
from unmoor.targets.gcp_cloud_run import target
from unmoor.targets.gcp_cloud_run.dst import is_affected_by_dst
from unmoor.targets.gcp_cloud_run.schedules import unix_cron

pytestmark = pytest.mark.slow

# Starts just before changes of clocks in America and in Europe; 500 firings lead over new year and a leap day as well.
STARTS = (
    datetime(2027, 3, 13, tzinfo=UTC),
    datetime(2027, 3, 27, 11, 30, tzinfo=UTC),
    datetime(2027, 10, 30, tzinfo=UTC),
    datetime(2027, 11, 6, 23, 59, tzinfo=UTC),
)
EQUAL = (
    ("0 3 * * *", "UTC"),
    ("30 2 * * *", "Asia/Tokyo"),
    ("*/7 * * * *", "Europe/Paris"),
    ("0 * * * *", "America/New_York"),
    ("* 2 * * *", "Europe/Paris"),
    ("30 2 * * 1-5", "Europe/Paris"),
    ("0 4 * * *", "Europe/Paris"),
    ("15 9-17/2 * * MON-FRI", "America/New_York"),
    ("0 0 1 * 1", "America/New_York"),
    ("45 6 13 * 5", "Australia/Sydney"),
    ("0 12 29 2 *", "Europe/London"),
    ("59 23 31 12 0", "Australia/Lord_Howe"),
    ("5 4 1-7,15 1,6-12/3 7", "Europe/Lisbon"),
)
UNEQUAL = (
    ("30 2 * * *", "Europe/Paris"),
    ("0 2 * * *", "America/New_York"),
    ("30 1 * * 0", "America/New_York"),
    ("15 1,2,3 * * *", "Europe/London"),
    ("10 2 * * *", "Australia/Lord_Howe"),
    ("0 2 25-31 3 *", "Europe/Berlin"),
)


def schedule_of(cron, timezone):
    return Schedule(name="nightly", prompt="go", cron=cron, timezone=timezone, missed="skip")


def platform_firings(expression: str, start: datetime, timezone: str) -> Iterator[datetime]:
    """What unix-cron means on a wall clock: every minute whose five fields match, as often as the clock shows it."""
    fields = expression.split()
    minutes, hours, days, months, weekdays = (_values(f, low) for f, low in zip(fields, (0, 0, 1, 1, 0), strict=True))
    joined = any if "*" not in (fields[2], fields[4]) else all
    zone, at = ZoneInfo(timezone), start.replace(second=0, microsecond=0)
    while True:
        at += timedelta(minutes=1)
        local = at.astimezone(zone)
        # Steps of real time that end before the next hour or day that the clock shows, whatever happens to the clock.
        if local.month not in months or not joined((local.day in days, local.isoweekday() % 7 in weekdays)):
            at += timedelta(hours=max(0, 21 - local.hour), minutes=59 - local.minute)
        elif local.hour not in hours:
            at += timedelta(minutes=29 - local.minute % 30)
        elif local.minute in minutes:
            yield local


def _values(field: str, low: int) -> set[int]:
    """One field of unix-cron: lists, ranges and steps."""
    values: set[int] = set()
    for part in field.split(","):
        found = re.fullmatch(r"(\*|(\d+)(?:-(\d+))?)(?:/(\d+))?", part)
        assert found, part
        first, last = (low, 59) if found[1] == "*" else (int(found[2]), int(found[3] or found[2]))
        values |= set(range(first, last + 1, int(found[4] or 1)))
    return values


@pytest.mark.parametrize(("cron", "timezone"), EQUAL)
@pytest.mark.parametrize("start", STARTS, ids=str)
def test_the_next_firings_are_the_same(cron, timezone, start):
    many = 8 if "29 2" in cron or "31 12" in cron else 500
    schedule = schedule_of(cron, timezone)
    ours = list(islice(fire_times(parse(cron), start, timezone=timezone), many))
    theirs = list(islice(platform_firings(unix_cron(schedule), start, timezone), many))
    assert [t.astimezone(UTC) for t in theirs] == [t.astimezone(UTC) for t in ours]
    assert not is_affected_by_dst(schedule)


@pytest.mark.parametrize(("cron", "timezone"), UNEQUAL)
def test_where_clocks_make_a_difference_it_is_known(cron, timezone):
    start = datetime(2027, 1, 1, tzinfo=UTC)
    ours = list(islice(fire_times(parse(cron), start, timezone=timezone), 400))
    theirs = list(islice(platform_firings(parse(cron).text, start, timezone), 400))
    assert [t.astimezone(UTC) for t in theirs] != [t.astimezone(UTC) for t in ours]
    assert is_affected_by_dst(schedule_of(cron, timezone))


def test_a_difference_is_said():
    nightly = {"name": "nightly", "schedule": {"cron": "30 2 * * *", "timezone": "Europe/Paris"}, "prompt": "go"}
    spec = {"version": 1, "name": "hello", "harness": {"name": "command", "command": ["cat"]}, "triggers": [nightly]}
    settings = target.settings.model_validate({"project": "my-project", "region": "europe-west1"})
    said = [str(r) for r in target.adjustments(make_plan(Spec.model_validate(spec), "prod"), settings)]
    assert said[-1] == (
        "triggers[nightly].schedule.cron: once at each time becomes perhaps never or twice on the day of a "
        "clock change; Cloud Scheduler follows the wall clock of Europe/Paris"
    )
    by_gateway = make_plan(Spec.model_validate(spec | {"run": {"isolation": "process"}}), "prod")
    assert not [r for r in target.adjustments(by_gateway, settings) if r.path.startswith("triggers")]


@pytest.mark.parametrize(
    ("cron", "text"),
    [
        ("0 3 * * 1-5", "0 3 * * 1-5"),
        ("*/15 * * * *", "0,15,30,45 * * * *"),
        ("0 0 1 JAN,JUL sun", "0 0 1 1,7 0"),
        ("5 4 * * 7", "5 4 * * 0"),
        ("0-59 0-23 1-31 1-12 *", "* * * * *"),
    ],
)
def test_the_expression_is_written_in_numbers(cron, text):
    assert unix_cron(schedule_of(cron, "UTC")) == text
