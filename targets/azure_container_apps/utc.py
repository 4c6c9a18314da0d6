"""Schedules in UTC, the only zone of a job.

Times in a zone with a fixed offset are shifted if the result is one cron expression. A zone with daylight saving time
has none.
https://learn.microsoft.com/azure/container-apps/jobs#scheduled-jobs
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from unmoor.cron import Cron, CronError, parse
from unmoor.plan import Schedule

DAY_MINUTES = 24 * 60
# Daylight saving time lasts longer than half a day, so two samples a day find every change.
LOOKED_AT = (datetime(2026, 1, 1), datetime(2061, 1, 1), timedelta(hours=12))


def utc_cron(schedule: Schedule) -> str:
    """The schedule as five cron fields in UTC; CronError if there are none."""
    offset = fixed_offset_minutes(schedule.timezone)
    if offset is None:
        raise CronError(
            f"{schedule.timezone} has daylight saving time, and a job's schedule is in UTC",
            "write the schedule in UTC, or override this trigger in an environment for this target",
        )
    return shift_cron(parse(schedule.cron), offset).text


@cache
def fixed_offset_minutes(timezone: str) -> int | None:
    """Minutes that the zone is ahead of UTC; None if the offset changes from 2026 to 2060 or is not a whole minute."""
    zone, (at, end, step) = ZoneInfo(timezone), LOOKED_AT
    offset = at.replace(tzinfo=zone).utcoffset()
    while at < end:
        if at.replace(tzinfo=zone).utcoffset() != offset:
            return None
        at += step
    assert offset is not None
    minutes, rest = divmod(offset, timedelta(minutes=1))
    return minutes if not rest else None


def shift_cron(cron: Cron, offset_minutes: int) -> Cron:
    """The expression shifted to UTC; CronError if the result is not one expression."""
    times = [h * 60 + m - offset_minutes for h in cron.hours for m in cron.minutes]
    day_shifts = {time // DAY_MINUTES for time in times}
    clock = sorted({time % DAY_MINUTES for time in times})
    hours = tuple(sorted({time // 60 for time in clock}))
    minutes = tuple(sorted({time % 60 for time in clock}))
    if len(hours) * len(minutes) != len(clock):
        raise _inexpressible("its hours and minutes are no longer one expression")
    return replace(_on_days(cron, day_shifts), hours=hours, minutes=minutes)


def _on_days(cron: Cron, day_shifts: set[int]) -> Cron:
    every_day = cron.any_day and cron.any_weekday and len(cron.months) == 12
    if day_shifts == {0} or every_day:
        return cron
    if not cron.any_day or len(cron.months) != 12:
        raise _inexpressible("it crosses midnight, and days of the month do not move alike")
    if len(day_shifts) > 1:
        raise _inexpressible("only some of its times cross midnight")
    (shift,) = day_shifts
    return replace(cron, weekdays=tuple(sorted((day + shift) % 7 for day in cron.weekdays)))


def _inexpressible(why: str) -> CronError:
    return CronError(f"a job's schedule is in UTC, and shifted there {why}", "write it in UTC, as several triggers")
