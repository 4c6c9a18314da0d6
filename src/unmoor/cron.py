"""Parses five-field cron expressions into sets, from which a target writes its platform's own syntax.

minute hour day-of-month month day-of-week, with lists, ranges, steps and English names. Where both day fields are
restricted, a day matches when either does, as in crontab(5). An expression that platforms read differently is refused.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from .quantities import quote_truncated

# How far back to search for the previous fire time: little at first, because there may be one each minute.
LOOKING_BACK = tuple(timedelta(days=days) for days in (1 / 24, 1, 32, 366, 8 * 366))
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


class CronError(ValueError):
    """An expression that is refused: the rule that it breaks, and the remedy."""

    def __init__(self, rule: str, remedy: str) -> None:
        super().__init__(f"{rule}; {remedy}")
        self.rule = rule
        self.remedy = remedy


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field's name, bounds, and the words that stand for its numbers from `low` on."""

    name: str
    low: int
    high: int
    words: tuple[str, ...] = ()


FIELDS = (
    Field(name="minute", low=0, high=59),
    Field(name="hour", low=0, high=23),
    Field(name="day-of-month", low=1, high=31),
    Field(name="month", low=1, high=12, words=MONTHS),
    Field(name="day-of-week", low=0, high=7, words=WEEKDAYS),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cron:
    """The numbers that each field allows, sorted; weekdays count from Sunday as 0. Every value allowed means free.

    `is_wildcard`: the minute or the hour was written with a leading star. Where clocks change, such an expression
    follows the new time; any other fires once for each time of the old one, as in Debian's cron
    (https://manpages.debian.org/bookworm/cron/cron.8.en.html, "Daylight Saving Time").
    """

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]
    is_wildcard: bool

    @property
    def any_day(self) -> bool:
        return len(self.days) == 31

    @property
    def any_weekday(self) -> bool:
        return len(self.weekdays) == 7

    @property
    def text(self) -> str:
        """The same expression in numbers, `*` for a free field and ranges where three or more numbers follow on."""
        return " ".join(
            "*" if len(values) == size else format_ranges(values)
            for values, size in (
                (self.minutes, 60),
                (self.hours, 24),
                (self.days, 31),
                (self.months, 12),
                (self.weekdays, 7),
            )
        )


def parse(expression: str) -> Cron:
    """The expression as sets of numbers; CronError if it is invalid, ambiguous or never fires."""
    if expression.startswith("@"):
        raise CronError(f"{expression.split()[0][:20]} is a shorthand", "write five fields, such as 0 0 * * *")
    texts = expression.split()
    if len(texts) != 5:
        raise CronError(
            f"{quote_truncated(expression)} has {len(texts)} fields",
            "write five: minute hour day-of-month month day-of-week",
        )
    sets = [_values(text, field) for text, field in zip(texts, FIELDS, strict=True)]
    _refuse_ambiguous_days(texts[2], texts[4])
    weekdays = tuple(sorted({d % 7 for d in sets[4]}))
    days, weekdays = _join_days(sets[2], weekdays, written=(texts[2], texts[4]))
    cron = Cron(
        minutes=sets[0],
        hours=sets[1],
        days=days,
        months=sets[3],
        weekdays=weekdays,
        is_wildcard=texts[0].startswith("*") or texts[1].startswith("*"),
    )
    _refuse_never(cron, expression)
    return cron


def fire_times(cron: Cron, start: datetime, *, timezone: str) -> Iterator[datetime]:
    """The fire times after `start` in that zone, without end."""
    from cronsim import CronSim  # a check of a spec does not need it

    zone = ZoneInfo(timezone)
    rest = cron.text.split(" ", 2)[2]
    # Without a leading star, which CronSim would take for a wildcard.
    expression = f"{format_ranges(cron.minutes)} {format_ranges(cron.hours)} {rest}"
    if not cron.is_wildcard:
        return CronSim(expression, start.astimezone(zone))
    # From before the start: in the hour that occurs twice, an earlier wall time may be a later moment.
    wall_times = CronSim(expression, start.astimezone(zone).replace(tzinfo=None) - timedelta(hours=3))
    return (at for at in _moments(wall_times, zone) if at.astimezone(UTC) > start.astimezone(UTC))


def _moments(wall_times: Iterable[datetime], zone: ZoneInfo) -> Iterator[datetime]:
    """The moments at which a zone's clocks show these times: none for one that is skipped, two for one that occurs
    twice."""
    repeated: list[datetime] = []
    for wall in wall_times:
        first, second = (wall.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
        if first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != wall:
            continue
        if first.utcoffset() == second.utcoffset():
            yield from repeated
            repeated = []
        else:
            repeated.append(second)
        yield first


def previous_fire_time(cron: Cron, now: datetime, *, timezone: str) -> datetime | None:
    """The newest fire time in that zone that is not after now; None if there was none in eight years."""
    for back in LOOKING_BACK:
        times = (at.astimezone(UTC) for at in fire_times(cron, now - back, timezone=timezone))
        found = list(itertools.takewhile(lambda at: at <= now, times))
        if found:
            return found[-1]
    return None


def format_ranges(values: tuple[int, ...], *, first: int = 3) -> str:
    """`0,15,30` or `1-5`: a run of at least `first` numbers is written as a range."""
    runs: list[list[int]] = []
    for value in values:
        if runs and value == runs[-1][-1] + 1:
            runs[-1].append(value)
        else:
            runs.append([value])
    return ",".join(f"{r[0]}-{r[-1]}" if len(r) >= first else ",".join(map(str, r)) for r in runs)


def _values(text: str, field: Field) -> tuple[int, ...]:
    values: set[int] = set()
    for part in text.split(","):
        values |= set(_part(part, field))
    return tuple(sorted(values))


def _part(part: str, field: Field) -> range:
    base, slash, step_text = part.partition("/")
    if slash and not (step_text.isascii() and step_text.isdigit() and int(step_text[:9]) > 0):
        raise CronError(f"{quote_truncated(part)} is not a valid {field.name}", "write a step as */15 or 0-30/10")
    # No field has more than 60 values, so a long step can be cut; Python refuses to parse very long numbers.
    step = int(step_text[:9]) if slash else 1
    if base == "*":
        return range(field.low, field.high + (0 if field.name == "day-of-week" else 1), step)
    low_text, dash, high_text = base.partition("-")
    low = _number(low_text, part, field)
    if slash and not dash:
        raise CronError(
            f"{quote_truncated(part)} is not a valid {field.name}",
            f"give the step a range, such as {low}-{field.high}/{step}",
        )
    high = _number(high_text, part, field) if dash else low
    if dash and field.name == "day-of-week" and high == 0 < low:
        high = 7
    if high < low:
        raise CronError(
            f"{quote_truncated(part)} runs backwards in {field.name}", "write two ranges, such as 22-23,0-3"
        )
    return range(low, high + 1, step)


def _number(text: str, part: str, field: Field) -> int:
    if text.upper() in field.words:
        return field.words.index(text.upper()) + field.low
    if not (text.isascii() and text.isdigit()):
        raise CronError(f"{quote_truncated(part)} is not a valid {field.name}", _remedy(part, field))
    if len(text) > 9 or not field.low <= int(text) <= field.high:
        raise CronError(f"{quote_truncated(part)} is not a valid {field.name}", f"write {field.low} to {field.high}")
    return int(text)


def _remedy(part: str, field: Field) -> str:
    if any(mark in part.upper() for mark in ("L", "#", "W", "?")) and part.upper() not in field.words:
        return "L, W, # and ? are not part of five-field cron; list the days, or filter them in the prompt"
    return f"write numbers {field.low} to {field.high}, lists, ranges and steps"


def _join_days(
    days: tuple[int, ...], weekdays: tuple[int, ...], *, written: tuple[str, str]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Both day fields, both free where either lists every day without a star: `or` then means every day."""
    if "*" not in written and (len(days) == 31 or len(weekdays) == 7):
        return tuple(range(1, 32)), tuple(range(7))
    return days, weekdays


def _refuse_ambiguous_days(day: str, weekday: str) -> None:
    """crontab(5) joins the day fields by `and` where one begins with a star, other readers by `or`."""
    stepped = [text for text in (day, weekday) if text.startswith("*") and text != "*"]
    if stepped and "*" not in (day, weekday):
        raise CronError(
            f"{day!r} with {weekday!r} is read differently by different platforms",
            "list the days instead of stepping, or leave one of the two day fields *",
        )


def _refuse_never(cron: Cron, expression: str) -> None:
    longest = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}
    possible = any(d <= longest.get(m, 31) for m in cron.months for d in cron.days)
    if not possible and cron.any_weekday:
        raise CronError(f"{quote_truncated(expression)} never fires", "name a day that one of its months has")
