"""Daylight saving time: Cloud Scheduler follows the wall clock, which can skip or repeat an hour.

https://docs.cloud.google.com/scheduler/docs/configuring/cron-job-schedules#time_zone
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from zoneinfo import ZoneInfo

from unmoor.cron import Cron, parse
from unmoor.plan import Schedule

# Three years contain every kind of change of a zone; they are fixed, so that a plan means the same on any day.
FROM = datetime(2027, 1, 1, tzinfo=UTC)
HALF_DAYS = 3 * 366 * 2
MINUTE, HOUR, HALF_DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(hours=12)


def is_affected_by_dst(schedule: Schedule) -> bool:
    """Whether the schedule has a time that some day skips or repeats. Schedules of every hour or every minute are
    not affected.
    """
    cron = parse(schedule.cron)
    if len(cron.hours) == 24 or len(cron.minutes) == 60:
        return False
    return any(_matches(cron, minute) for minute in _changed_minutes(schedule.timezone))


@cache
def _changed_minutes(timezone: str) -> tuple[datetime, ...]:
    """The wall-clock minutes that the zone's changes skip or repeat."""
    zone = ZoneInfo(timezone)
    # Daylight saving time lasts longer than half a day, so two samples a day find every change.
    halves = _starts_of_changes((FROM + HALF_DAY * n for n in range(HALF_DAYS)), HALF_DAY, zone)
    hours = _starts_of_changes((half + HOUR * n for half in halves for n in range(12)), HOUR, zone)
    return tuple(minute for hour in hours for minute in _minutes_of_change(hour, zone))


def _starts_of_changes(starts: Iterable[datetime], length: timedelta, zone: tzinfo) -> Iterator[datetime]:
    """The starts after which the zone's offset changes within the length."""
    return (at for at in starts if _offset(at, zone) != _offset(at + length, zone))


def _minutes_of_change(hour: datetime, zone: tzinfo) -> list[datetime]:
    """The minutes that the change within this hour skips or repeats."""
    old, new = _offset(hour, zone), _offset(hour + HOUR, zone)
    change = next(hour + MINUTE * m for m in range(1, 61) if _offset(hour + MINUTE * m, zone) != old)
    first = (change + min(old, new)).replace(tzinfo=None)
    return [first + MINUTE * m for m in range(abs(new - old) // MINUTE)]


def _offset(at: datetime, zone: tzinfo) -> timedelta:
    offset = at.astimezone(zone).utcoffset()
    assert offset is not None
    return offset


def _matches(cron: Cron, at: datetime) -> bool:
    on_day, on_weekday = at.day in cron.days, at.isoweekday() % 7 in cron.weekdays
    either = not cron.any_day and not cron.any_weekday
    day = on_day or on_weekday if either else on_day and on_weekday
    return day and at.month in cron.months and at.hour in cron.hours and at.minute in cron.minutes
