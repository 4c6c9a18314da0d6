"""The translation into EventBridge's six fields, proved by what fires, daylight saving time included."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from unmoor.cron import fire_times, parse
from unmoor.targets.aws_ecs.schedules import eventbridge_cron

pytestmark = pytest.mark.slow

WEEKDAYS = {"SUN": 1, "MON": 2, "TUE": 3, "WED": 4, "THU": 5, "FRI": 6, "SAT": 7}
START = datetime(2027, 3, 1, tzinfo=UTC)
EXPRESSIONS = [
    "0 3 * * 1-5",
    "*/15 9-17 * * MON,FRI",
    "30 12 1,15 * *",
    "5 4 * * 0",
    "5 4 * * 7",
    "0 0 29 2 *",
    "0 12 * 1-6/2 *",
    "59 23 31 * *",
    "0 */5 * * *",
    "7 13 * * 5-0",
]
ZONES = ["UTC", "Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]


def eventbridge_firings(expression: str, zone: str) -> Iterator[datetime]:
    """What EventBridge's own rules say of an expression: each local day's times, in order."""
    minutes, hours, days, months, weekdays, year = expression.removeprefix("cron(").removesuffix(")").split()
    assert year == "*"
    assert (days == "?") != (weekdays == "?")
    day = START.astimezone(ZoneInfo(zone)).date()
    while True:
        matches = allowed(months, day.month) and allowed(days, day.day) and allowed(weekdays, day.isoweekday() % 7 + 1)
        for hour in range(24) if matches else ():
            for minute in range(60) if allowed(hours, hour) else ():
                if allowed(minutes, minute):
                    yield datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZoneInfo(zone))
        day += timedelta(days=1)


def allowed(field: str, value: int) -> bool:
    if field in ("*", "?"):
        return True
    for part in field.split(","):
        low, _, high = part.partition("-")
        numbers = [WEEKDAYS.get(x) or int(x) for x in (low, high or low)]
        if numbers[0] <= value <= numbers[1]:
            return True
    return False


def exists(moment: datetime) -> bool:
    """Whether a local time is one that its zone's clocks show: spring leaves some out."""
    return moment.astimezone(UTC).astimezone(moment.tzinfo).replace(fold=0) == moment.replace(fold=0)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_the_next_500_firings_are_the_same(expression: str, zone: str) -> None:
    cron = parse(expression)
    ours = (f for f in fire_times(cron, START, timezone=zone))
    theirs = (f for f in eventbridge_firings(eventbridge_cron(cron), zone) if f > START and exists(f))
    assert walls(ours) == walls(theirs)


def walls(moments: Iterator[datetime]) -> list[str]:
    """Days and their local times; the hour in which clocks change is each platform's own matter, and left out."""
    steady = (m for m in moments if not near_a_change(m))
    return [m.strftime("%Y-%m-%d %H:%M") for m in islice(steady, 500)]


def near_a_change(moment: datetime) -> bool:
    around = [moment.astimezone(UTC) + timedelta(hours=h) for h in (-2, 2)]
    return len({a.astimezone(moment.tzinfo).utcoffset() for a in around}) > 1


def test_the_words_are_eventbridges() -> None:
    assert eventbridge_cron(parse("*/20 3 * * 1-5")) == "cron(0,20,40 3 ? * MON,TUE,WED,THU,FRI *)"
    assert eventbridge_cron(parse("0 0 1 */3 *")) == "cron(0 0 1 1,4,7,10 ? *)"
    assert eventbridge_cron(parse("0 0 * * *")) == "cron(0 0 * * ? *)"
