"""Schedules that the gateway fires: each fire time starts one run, however many gateways there are.

The cursor, the last fire time that is done, is in the store and moves only after that time's run is accepted. A gateway
that is killed in between fires the same time again under the same dedup key, so it still starts one run.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from unmoor.cron import Cron, fire_times, parse, previous_fire_time
from unmoor.runtime.config import Schedule, Trigger
from unmoor.runtime.errors import UnmoorRuntimeError
from unmoor.runtime.state import keys
from unmoor.runtime.state.bundle import UnpackedBundle
from unmoor.runtime.state.dedup import DeliveryKey
from unmoor.runtime.state.delivery_log import Delivery

from .intake import IncomingDelivery, Intake

# A fire time is not missed until this long after it: a gateway may be restarting.
GRACE = timedelta(seconds=30)
# The scheduler notices a changed clock and a suspended machine within this time.
MOST_SLEEP_S = 20.0
AGAIN = timedelta(seconds=5)
# Missed fire times are counted up to this number.
MOST_COUNTED = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedSchedule:
    """A schedule of the spec with its trigger and its parsed expression."""

    trigger: Trigger
    schedule: Schedule
    cron: Cron

    def times(self, after: datetime) -> Any:
        """The fire times after this one, without end."""
        return (at.astimezone(UTC) for at in fire_times(self.cron, after, timezone=self.schedule.timezone))

    def last(self, now: datetime) -> datetime | None:
        """The newest fire time that is not after now."""
        return previous_fire_time(self.cron, now, timezone=self.schedule.timezone)


def schedules_of(bundle: UnpackedBundle) -> list[ParsedSchedule]:
    triggers = {trigger.name: trigger for trigger in bundle.agent.triggers}
    return [ParsedSchedule(trigger=triggers[s.name], schedule=s, cron=parse(s.cron)) for s in bundle.agent.schedules]


@dataclass(slots=True, kw_only=True)
class Scheduler:
    """Fires schedules that are due."""

    intake: Intake
    schedules: list[ParsedSchedule]
    _next: dict[str, datetime] = field(default_factory=dict[str, datetime])

    async def run(self) -> None:
        """Fires schedules until it is cancelled."""
        while True:
            await self.fire_due()
            now = self.intake.clock()
            until = min(((at - now).total_seconds() for at in self._next.values()), default=MOST_SLEEP_S)
            await asyncio.sleep(min(max(until, 0.05), MOST_SLEEP_S))

    async def fire_due(self) -> None:
        """Fires what is due now, and records the fire times that were missed."""
        for planned in self.schedules:
            name = planned.schedule.name
            now = self.intake.clock()
            if name in self._next and now < self._next[name]:
                continue
            try:
                await self._look_at(planned, now)
                self._next[name] = next(planned.times(now))
            except Exception as error:  # for example an unreachable store: the next look tries again
                reason = str(error) if isinstance(error, UnmoorRuntimeError) else type(error).__name__
                self.intake.log(f"schedule could not fire: {reason}", level="error", trigger=name)
                self._next[name] = now + AGAIN

    async def _look_at(self, planned: ParsedSchedule, now: datetime) -> None:
        key = keys.schedule_cursor_key(planned.schedule.name)
        stored = await self.intake.store.get(key)
        done = _cursor_time(planned, stored.content) if stored else None
        if stored is None:
            await self.intake.store.put_if_absent(key, _cursor_json(planned, now))
            return
        if done is None:  # the expression has changed: times before now do not count as missed
            await self.intake.store.compare_and_swap(key, _cursor_json(planned, now), stored.version)
            return
        newest = planned.last(now)
        if newest is None or newest <= done:
            return
        fires = now - newest <= GRACE or planned.schedule.missed == "run_once"
        if fires:
            await self._fire(planned, newest)
        if await self.intake.store.compare_and_swap(key, _cursor_json(planned, newest), stored.version) is not None:
            await self._record_missed(planned, done, newest, now, fired=fires)

    async def _fire(self, planned: ParsedSchedule, at: datetime) -> None:
        event = {"scheduled": at.isoformat()}
        key = DeliveryKey(id=at.isoformat(), name=at.strftime("%Y%m%dT%H%MZ"))
        await self.intake.ingest(IncomingDelivery(trigger=planned.trigger, key=key, event=event))

    async def _record_missed(
        self, planned: ParsedSchedule, done: datetime, newest: datetime, now: datetime, *, fired: bool
    ) -> None:
        """Logs the fire times that started no run."""
        times = list(itertools.islice(_until(planned.times(done), newest), MOST_COUNTED))
        if fired:
            times = [at for at in times if at < newest]
        if not times:
            return
        once = planned.schedule.missed == "run_once"
        rest = f"one run replaces all since {times[0].isoformat()}" if once else "schedule.missed is skip"
        reason = f"no gateway could fire it at that time; {rest}"
        self.intake.log("fire times were missed", level="warning", trigger=planned.schedule.name, times=len(times))
        await self.intake.deliveries.append(
            Delivery(
                id=times[-1].isoformat(),
                trigger=planned.schedule.name,
                kind="schedule",
                at=now,
                outcome="skipped",
                reason=reason,
                times=len(times),
            )
        )


def _until(times: Any, last: datetime) -> Any:
    return itertools.takewhile(lambda at: at <= last, times)


def _cursor_json(planned: ParsedSchedule, until: datetime) -> bytes:
    schedule = planned.schedule
    values = {"cron": schedule.cron, "timezone": schedule.timezone, "until": until.isoformat()}
    return json.dumps(values).encode()


def _cursor_time(planned: ParsedSchedule, content: bytes) -> datetime | None:
    """The stored cursor; None where it belongs to another expression or cannot be parsed."""
    try:
        values = json.loads(content)
        if (values["cron"], values["timezone"]) != (planned.schedule.cron, planned.schedule.timezone):
            return None
        until = datetime.fromisoformat(values["until"])
        return until if until.tzinfo else None
    except (ValueError, KeyError, TypeError):
        return None
