"""Changes of clocks: Cloud Scheduler goes by the wall clock, on which an hour can be missing or come twice.

https://docs.cloud.google.com/scheduler/docs/configuring/cron-job-schedules#time_zone
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from zoneinfo import ZoneInfo

from unmoor.cron import Cron, parse
from unmoor.plan import Schedule

# Three years hold every kind of change that a zone has; they are fixed, so that a plan means the same on any day.
FROM = datetime(2027, 1, 1, tzinfo=UTC)
HOURS = 3 * 366 * 24
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def meets_clock_change(schedule: Schedule) -> bool:
    """Whether it names a wall-clock time that some day does not have, or has twice.

    What fires in every hour or in every minute does so by real time either way.
    """
    cron = parse(schedule.cron)
    if len(cron.hours) == 24 or len(cron.minutes) == 60:
        return False
    return any(_matches(cron, minute) for minute in _changed_minutes(schedule.timezone))


@cache
def _changed_minutes(timezone: str) -> tuple[datetime, ...]:
    """The wall-clock minutes that the zone's changes leave out or repeat."""
    zone = ZoneInfo(timezone)
    hours = (FROM + HOUR * n for n in range(HOURS))
    changes = (hour for hour in hours if _offset(hour, zone) != _offset(hour + HOUR, zone))
    return tuple(minute for hour in changes for minute in _around(hour, zone))


def _around(hour: datetime, zone: tzinfo) -> list[datetime]:
    """The minutes that the change within this hour leaves out or repeats."""
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
    either = not cron.days_free and not cron.weekdays_free
    day = on_day or on_weekday if either else on_day and on_weekday
    return day and at.month in cron.months and at.hour in cron.hours and at.minute in cron.minutes
