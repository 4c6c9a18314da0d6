"""A run's life: claimed once, attempted, and brought to exactly one end whatever happens."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import traceback
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any

from unmoor.runtime.errors import TransientError, UnmoorRuntimeError
from unmoor.runtime.events import FINAL_STATUSES, Finished, GuardEvent, Notice
from unmoor.runtime.guard.transport.types import RunCredentials, new_token
from unmoor.runtime.redact import redactor
from unmoor.runtime.self_test_trigger import KIND
from unmoor.runtime.state import keys
from unmoor.runtime.state.new_run import bundle_facts
from unmoor.runtime.state.run_record import RunRecord
from unmoor.runtime.waiting import wait_event

from .attempt import Attempt
from .context import RunContext
from .event_log import EventLog
from .heartbeat import heartbeat, on_lease_lost
from .lease import LeaseLost, RunLease, acquire_lease
from .outcome import RunOutcome, outcome_before_start
from .retry import retry_transient
from .self_test import self_test
from .sessions import session_lock
from .spending import RunSpending
from .stop import Stop
from .traces import Traces, Watch

# What a record keeps of them. Readers keep more, so that a secret is whole or not there when it is redacted.
MOST_REASON, MOST_ANSWER = 600, 32_000


async def execute_run(run: str, host: RunContext, stop: Stop) -> RunRecord:
    """Runs a run that is queued to its end and returns its final record; NotClaimed where it is not ours to run, or no
    longer is, and InfrastructureFault where the store is gone for good."""
    # A run may have waited while its agent was deployed anew: it runs as, and its record says, what is deployed now.
    now = bundle_facts(host.bundle)
    held = await retry_transient(
        lambda: acquire_lease(host.store, run, owner=host.owner, clock=host.clock, **now), pause_s=host.patience.store_s
    )
    if not host.traced:
        return await _Life(held, host, stop).to_the_end()
    traces = Traces(host.bundle.agent, run, redactor(host.secrets)(held.record.session))
    try:
        return await _Life(held, replace(host, watch=_both(traces.watch, host.watch)), stop).to_the_end()
    finally:
        if not await asyncio.to_thread(traces.flush):
            print("traces were not all sent; is the OTEL_EXPORTER_OTLP_ENDPOINT right, and there?", file=sys.stderr)


def _both(first: Watch, second: Watch) -> Watch:
    def watch(event: dict[str, Any]) -> None:
        first(event)
        second(event)

    return watch


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorProgress:
    """What an earlier runner of this run has written: how many events, and the end, where it came as far as that."""

    events: int = 0
    end: RunOutcome | None = None


@dataclass(slots=True)
class _Life:
    claim: RunLease
    host: RunContext
    stop: Stop

    async def to_the_end(self) -> RunRecord:
        before = await self._insisted(self._before)
        attempt = self._attempt(before.events)
        journal = attempt.journal
        async with journal, heartbeat(self.claim, self.host, self.stop, journal), AsyncExitStack() as held:
            if before.end:
                return await self._finish(before.end, attempt)
            end = await self._end(attempt, held)
            await self._still_ours(journal)
            reason, answer = _first(attempt.redact(end.reason)), _last(attempt.redact(end.answer))
            return await self._told(replace(end, reason=reason, answer=answer), attempt)

    def _attempt(self, events_before: int) -> Attempt:
        token = new_token()
        redact = redactor({**self.host.secrets, "run-token": token})
        journal = EventLog(
            self.host.store,
            self.claim.record.id,
            redact=redact,
            clock=self.host.clock,
            watch=self.host.watch,
            first=events_before,
        )

        def noted(event: GuardEvent) -> None:
            journal.add(event)

        return Attempt(
            record=self.claim.record,
            host=self.host,
            stop=self.stop,
            journal=journal,
            meter=RunSpending(self.stop, noted),
            redact=redact,
            token=token,
        )

    async def _end(self, attempt: Attempt, held: AsyncExitStack) -> RunOutcome:
        """The end, whatever comes in its way: a run of which nobody hears again is the worst of all ends."""
        key = self.claim.record.session
        try:
            if self.claim.record.kind == KIND:
                grant = RunCredentials(run=self.claim.record.id, token=attempt.token)
                return await self_test(self.host.way, grant, attempt.meter.on_guard_event)
            if key:
                of = session_lock(key, self.claim.record.id, self.host, self.stop, attempt.journal)
                attempt.session = await held.enter_async_context(of)
                if attempt.session is None:
                    return outcome_before_start(self.stop.cause, None)
            return await self._attempts(attempt)
        except LeaseLost:
            on_lease_lost(self.stop, attempt.journal)
            raise
        except UnmoorRuntimeError as fault:
            return attempt.failed(str(fault))
        except OSError as error:
            return attempt.failed(_of_the_system(error))
        except Exception as error:
            return attempt.failed(_of_ours(error))

    async def _attempts(self, attempt: Attempt) -> RunOutcome:
        """Tries again what the infrastructure spoilt before the harness began; what it has done is never done twice."""
        left = self.host.bundle.agent.run.retries
        while True:
            try:
                return await attempt.execute()
            except TransientError as fault:
                if left == 0 or attempt.begun or self.stop.cause:
                    raise
                attempt.journal.add(Notice(level="warning", text=f"tried again: {fault}"))
            left -= 1
            number = self.claim.record.attempt + 1
            attempt.record = await self._insisted(lambda number=number: self.claim.update(attempt=number))
            await wait_event(self.stop.event, self.host.patience.again_s)

    async def _still_ours(self, journal: EventLog) -> None:
        """NotClaimed where somebody took the run meanwhile: then the end is theirs to say."""
        try:
            await self._insisted(self.claim.update)
        except LeaseLost:
            on_lease_lost(self.stop, journal)
            raise
        except TransientError:
            return  # the record is tried once more when it is finished

    async def _told(self, end: RunOutcome, attempt: Attempt) -> RunRecord:
        meter, journal = attempt.meter, attempt.journal
        journal.add(
            Finished(
                status=end.status,
                reason=end.reason,
                tokens=meter.tokens,
                cost_usd=meter.cost_usd,
                artifacts=tuple(a.path for a in end.artifacts),
            )
        )
        # Events that the store does not take are tried once more when the journal is left; the record comes first.
        with contextlib.suppress(TransientError):
            await self._insisted(journal.flush)
        return await self._finish(end, attempt)

    async def _finish(self, end: RunOutcome, attempt: Attempt) -> RunRecord:
        ended_at = self.host.clock()
        return await self._insisted(
            lambda: self.claim.update(
                status=end.status,
                reason=end.reason,
                answer=end.answer,
                artifacts=end.artifacts,
                ended_at=ended_at,
                usage=attempt.meter.tokens,
                requests=attempt.meter.requests,
                cost_usd=attempt.meter.cost_usd,
                confinement=attempt.confinement,
            )
        )

    async def _before(self) -> PriorProgress:
        """What an earlier holder has written: events are numbered from there on, and an end is never said twice."""
        newest, last = 0, b""
        if self.claim.record.attempt > 1:
            async for entry in self.host.store.list(keys.events_prefix(self.claim.record.id)):
                stored = await self.host.store.get(entry.key)
                lines = stored.content.splitlines() if stored else []
                newest = keys.first_event(entry.key) - 1 + len(lines)
                last = lines[-1] if lines else last
        return PriorProgress(events=newest, end=_said_end(last))

    async def _insisted(self, act: Any) -> Any:
        return await retry_transient(act, pause_s=self.host.patience.store_s)


def _said_end(line: bytes) -> RunOutcome | None:
    """The end that this event says, if it does: its runner was gone before the record had it."""
    try:
        event = json.loads(line) if line else {}
        if event.get("type") != Finished.type or event["status"] not in FINAL_STATUSES:
            return None
        return RunOutcome(status=event["status"], reason=str(event["reason"]))
    except (ValueError, KeyError, AttributeError):
        return None


def _first(reason: str) -> str:
    """A reason that is short enough to be read."""
    return _text(reason if len(reason) <= MOST_REASON else f"{reason[: MOST_REASON - 1]}…")


def _last(answer: str) -> str:
    """The end of an answer, which is what it comes to; all of it is in the events."""
    cut = len(answer) - MOST_ANSWER
    return _text(f"[{cut} characters cut] …{answer[cut:]}" if cut > 0 else answer)


def _text(text: str) -> str:
    """The text as UTF-8 can hold it."""
    return text.encode(errors="replace").decode()


def _of_the_system(error: OSError) -> str:
    """What the machine refused, such as a full disk, in one line."""
    name = f": {os.fsdecode(error.filename)}" if isinstance(error.filename, str | bytes) else ""
    return f"this machine: {error.strerror or error}{name}"


def _of_ours(error: Exception) -> str:
    """A fault of the runner's own in one line: what and where, and never what was in its hands."""
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"a fault of the runner's own: {type(error).__name__} in {where.name}"
