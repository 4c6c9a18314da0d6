"""A run from its lease to its one recorded outcome, whatever happens in between."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import traceback
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any

from unmoor.container import RUN_TOKEN_KEY
from unmoor.runtime.errors import TransientError, UnmoorRuntimeError
from unmoor.runtime.events import FINAL_STATUSES, Finished, Notice
from unmoor.runtime.guard.transport.run_tokens import run_token
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
from .model_answers import ModelAnswers
from .outcome import RunOutcome, outcome_before_start, outcome_of_cancelled
from .retry import T, retry_transient
from .self_test import self_test
from .sessions import session_lock
from .spending import RunSpending
from .stop import Stop
from .traces import Traces

# Readers keep longer texts than a record, so that no secret is cut in half before it is redacted.
MAX_REASON, MAX_ANSWER = 600, 32_000


async def execute_run(run: str, host: RunContext, stop: Stop) -> RunRecord:
    """Run a queued run to its end and return its final record.

    LeaseLost if another runner has it, TransientError if the store stays unavailable.
    """
    # The agent may have been redeployed while the run was queued: it runs, and is recorded, with the current bundle.
    facts = bundle_facts(host.bundle)
    lease = await retry_transient(
        lambda: acquire_lease(host.store, run, owner=host.owner, clock=host.clock, **facts),
        pause_s=host.timeouts.store_s,
    )
    if not host.traced:
        return await _Lifecycle(lease, host, stop).complete()
    traces = Traces(host.bundle.agent, run, redactor(host.secrets)(lease.record.session))

    def watch(event: dict[str, Any]) -> None:
        traces.watch(event)
        host.watch(event)

    try:
        return await _Lifecycle(lease, replace(host, watch=watch), stop).complete()
    finally:
        if not await asyncio.to_thread(traces.flush):
            print(
                "could not export all traces; check that OTEL_EXPORTER_OTLP_ENDPOINT is correct and reachable",
                file=sys.stderr,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorProgress:
    """An earlier runner's progress: the number of events that it stored, and the outcome if one is among them."""

    events: int = 0
    outcome: RunOutcome | None = None


@dataclass(slots=True)
class _Lifecycle:
    lease: RunLease
    host: RunContext
    stop: Stop

    async def complete(self) -> RunRecord:
        before = await self._retry(self._prior_progress)
        attempt = self._attempt(before.events)
        journal = attempt.journal
        async with journal, heartbeat(self.lease, self.host, self.stop, journal), AsyncExitStack() as held:
            if before.outcome:
                return await self._finish(before.outcome, attempt)
            outcome = await self._outcome(attempt, held)
            await self._confirm_lease(journal)
            if self.lease.record.cancel_requested:
                outcome = outcome_of_cancelled(outcome)
            reason = _shorten_reason(attempt.redact(outcome.reason))
            answer = _shorten_answer(attempt.redact(outcome.answer))
            return await self._report(replace(outcome, reason=reason, answer=answer), attempt)

    def _attempt(self, events_before: int) -> Attempt:
        key = self.host.secrets.get(RUN_TOKEN_KEY, "")
        # A guard in this process needs no proof.
        token = run_token(key, self.lease.record.id) if key else new_token()
        answers = ModelAnswers(self.stop, self.host.bundle.agent.run.max_model_requests)
        redact = redactor({**self.host.secrets, "run-token": token})
        journal = EventLog(
            self.host.store,
            self.lease.record.id,
            redact=redact,
            clock=self.host.clock,
            watch=self.host.watch,
            first=events_before,
            followed_until=self.lease.record.followed_until,
        )
        return Attempt(
            record=self.lease.record,
            host=self.host,
            stop=self.stop,
            journal=journal,
            spending=RunSpending(self.stop, journal.add, answers),
            redact=redact,
            token=token,
        )

    async def _outcome(self, attempt: Attempt, held: AsyncExitStack) -> RunOutcome:
        """Always return an outcome: a run that disappears is the worst failure."""
        key = self.lease.record.session
        try:
            if self.lease.record.kind == KIND:
                grant = RunCredentials(run=self.lease.record.id, token=attempt.token)
                return await self_test(self.host.guard, grant, attempt.spending.on_guard_event)
            if key:
                lock = session_lock(key, self.lease.record.id, self.host, self.stop, attempt.journal)
                attempt.session = await held.enter_async_context(lock)
                if attempt.session is None:
                    return outcome_before_start(self.stop.cause, None)
            return await self._attempts(attempt)
        except LeaseLost:
            on_lease_lost(self.stop, attempt.journal)
            raise
        except UnmoorRuntimeError as error:
            return attempt.failure_outcome(str(error))
        except OSError as error:
            return attempt.failure_outcome(_describe_os_error(error))
        except Exception as error:
            return attempt.failure_outcome(_describe_internal_error(error))

    async def _attempts(self, attempt: Attempt) -> RunOutcome:
        """Retry transient errors until the harness has started; never start a harness twice."""
        left = self.host.bundle.agent.run.retries
        while True:
            try:
                return await attempt.execute()
            except TransientError as error:
                if left == 0 or attempt.harness_started or self.stop.cause:
                    raise
                attempt.journal.add(Notice(level="warning", text=f"retrying after: {error}"))
            left -= 1
            number = self.lease.record.attempt + 1
            attempt.record = await self._retry(lambda number=number: self.lease.update(attempt=number))
            await wait_event(self.stop.event, self.host.timeouts.again_s)

    async def _confirm_lease(self, journal: EventLog) -> None:
        """LeaseLost if another runner took the run: then that runner records the outcome."""
        try:
            await self._retry(self.lease.update)
        except LeaseLost:
            on_lease_lost(self.stop, journal)
            raise
        except TransientError:
            return  # the final update of the record tries again

    async def _report(self, outcome: RunOutcome, attempt: Attempt) -> RunRecord:
        spending = attempt.spending
        attempt.journal.add(
            Finished(
                status=outcome.status,
                reason=outcome.reason,
                tokens=spending.tokens,
                cost_usd=spending.cost_usd,
                artifacts=tuple(a.path for a in outcome.artifacts),
            )
        )
        # Events that are not stored now are retried when the event log closes; the record is more important.
        with contextlib.suppress(TransientError):
            await self._retry(attempt.journal.flush)
        return await self._finish(outcome, attempt)

    async def _finish(self, outcome: RunOutcome, attempt: Attempt) -> RunRecord:
        fields = {
            **{name: getattr(outcome, name) for name in ("status", "reason", "answer", "artifacts")},
            "ended_at": self.host.clock(),
            "usage": attempt.spending.tokens,
            "requests": attempt.spending.requests,
            "cost_usd": attempt.spending.cost_usd,
            "confinement": attempt.confinement,
        }
        return await self._retry(lambda: self.lease.update(**fields))

    async def _prior_progress(self) -> PriorProgress:
        """What an earlier runner wrote, so that event numbers continue and no run finishes twice."""
        newest, last = 0, b""
        if self.lease.record.attempt > 1:
            async for entry in self.host.store.list(keys.events_prefix(self.lease.record.id)):
                stored = await self.host.store.get(entry.key)
                lines = stored.content.splitlines() if stored else []
                newest = keys.first_event(entry.key) - 1 + len(lines)
                last = lines[-1] if lines else last
        return PriorProgress(events=newest, outcome=_recorded_outcome(last))

    async def _retry(self, act: Callable[[], Awaitable[T]]) -> T:
        return await retry_transient(act, pause_s=self.host.timeouts.store_s)


def _recorded_outcome(line: bytes) -> RunOutcome | None:
    """The outcome in this event, if it is the last one: the runner died before it updated the record."""
    try:
        event = json.loads(line) if line else {}
        if event.get("type") != Finished.type or event["status"] not in FINAL_STATUSES:
            return None
        return RunOutcome(status=event["status"], reason=str(event["reason"]))
    except (ValueError, KeyError, AttributeError):
        return None


def _shorten_reason(reason: str) -> str:
    return _text(reason if len(reason) <= MAX_REASON else f"{reason[: MAX_REASON - 1]}…")


def _shorten_answer(answer: str) -> str:
    """The end of the answer, cut to the length that a record holds; the events hold all of it."""
    cut = len(answer) - MAX_ANSWER
    return _text(f"[{cut} characters cut] …{answer[cut:]}" if cut > 0 else answer)


def _text(text: str) -> str:
    """The text with characters replaced that UTF-8 cannot encode."""
    return text.encode(errors="replace").decode()


def _describe_os_error(error: OSError) -> str:
    """An error of the operating system, such as a full disk, in one line."""
    name = f": {os.fsdecode(error.filename)}" if isinstance(error.filename, str | bytes) else ""
    return f"this machine: {error.strerror or error}{name}"


def _describe_internal_error(error: Exception) -> str:
    """An internal error in one line: its type and place, never its data."""
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"internal error of the runner: {type(error).__name__} in {where.name}"
