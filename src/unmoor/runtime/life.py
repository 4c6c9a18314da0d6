"""A run's life: claimed once, attempted, and brought to exactly one end whatever happens."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

from . import layout
from .attempt import Attempt
from .claim import RENEW_S, Claim, NotClaimed, claim
from .errors import InfrastructureFault, RuntimeFault
from .events import Finished, GuardEvent, Notice
from .guard.way import new_token
from .host import Host
from .journal import Journal
from .judgement import End
from .meter import Meter
from .program import Stop
from .records import RunRecord
from .redact import redactor
from .sessions import Session, hold
from .traces import Traces, Watch

TRIES_TO_FINISH = 5


async def live(run: str, host: Host, stop: Stop) -> RunRecord:
    """Runs a run that is queued to its end and returns its final record; NotClaimed where it is not ours to run."""
    held = await claim(host.store, run, owner=host.owner, clock=host.clock)
    if not host.traced:
        return await _Life(held, host, stop).to_the_end()
    traces = Traces(host.bundle.agent, run, held.record.session)
    try:
        return await _Life(held, replace(host, watch=_both(traces.watch, host.watch)), stop).to_the_end()
    finally:
        await asyncio.to_thread(traces.flush)


def _both(first: Watch, second: Watch) -> Watch:
    def watch(event: dict[str, Any]) -> None:
        first(event)
        second(event)

    return watch


@dataclass(slots=True)
class _Life:
    claim: Claim
    host: Host
    stop: Stop

    async def to_the_end(self) -> RunRecord:
        token = new_token()
        redact = redactor({**self.host.secrets, "run-token": token})
        journal = Journal(
            self.host.store,
            self.claim.record.id,
            redact=redact,
            clock=self.host.clock,
            watch=self.host.watch,
            first=await self._events_before(),
        )

        def noted(event: GuardEvent) -> None:
            journal.add(event)

        meter = Meter(self.stop, noted)
        async with journal, self._beating():
            async with self._session(journal) as session:
                attempt = Attempt(
                    record=self.claim.record,
                    host=self.host,
                    stop=self.stop,
                    journal=journal,
                    meter=meter,
                    redact=redact,
                    session=session,
                    token=token,
                )
                end = await self._attempts(attempt)
            end = replace(end, reason=redact(end.reason), answer=redact(end.answer))
            journal.add(
                Finished(
                    status=end.status,
                    reason=end.reason,
                    tokens=meter.tokens,
                    cost_usd=meter.cost_usd,
                    artifacts=tuple(a.path for a in end.artifacts),
                )
            )
            await self._flushed(journal)
            return await self._finish(end, attempt, meter)

    async def _attempts(self, attempt: Attempt) -> End:
        """Tries again what the infrastructure spoilt before the harness began; what it has done is never done twice."""
        left = self.host.bundle.agent.run.retries
        while True:
            try:
                return await attempt.to_the_end()
            except InfrastructureFault as fault:
                if left == 0 or attempt.begun or self.stop.cause:
                    return End(status="failed", reason=str(fault))
                attempt.journal.add(Notice(level="warning", text=f"tried again: {fault}"))
            except RuntimeFault as fault:
                return End(status="failed", reason=str(fault))
            except OSError as error:
                return End(status="failed", reason=_of_the_system(error))
            left -= 1
            await self.claim.change(attempt=self.claim.record.attempt + 1)
            attempt.record = self.claim.record
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.stop.event.wait(), self.host.patience.again_s)

    @contextlib.asynccontextmanager
    async def _session(self, journal: Journal) -> AsyncIterator[Session | None]:
        """The run's session, once no other run holds it; given back at the end."""
        key = self.claim.record.session
        if not key:
            yield None
            return
        held = await hold(self.host.store, key, self.claim.record.id, clock=self.host.clock)
        if isinstance(held, str):
            journal.add(Notice(level="info", text=f"waits for {held}, which holds session {key}"))
        while isinstance(held, str) and not self.stop.cause:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.stop.event.wait(), self.host.patience.session_poll_s)
            held = await hold(self.host.store, key, self.claim.record.id, clock=self.host.clock)
        if isinstance(held, str):
            yield None
            return
        renewing = asyncio.create_task(self._renew(held))
        try:
            yield held
        finally:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)
            with contextlib.suppress(InfrastructureFault):  # the lease runs out by itself
                await held.release()

    async def _renew(self, session: Session) -> None:
        while True:
            await asyncio.sleep(RENEW_S)
            with contextlib.suppress(InfrastructureFault):
                await session.renew()

    @contextlib.asynccontextmanager
    async def _beating(self) -> AsyncIterator[None]:
        """Renews the hold and looks whether somebody wants the run to end."""
        tasks = [asyncio.create_task(self._keep()), asyncio.create_task(self._look_for_cancel())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(RENEW_S)
            try:
                await self.claim.change()
            except NotClaimed:
                self.stop.now("stopped")
                return
            except InfrastructureFault:
                continue  # the lease outlives several of these

    async def _look_for_cancel(self) -> None:
        while True:
            with contextlib.suppress(InfrastructureFault):
                if await self.host.store.get(layout.cancel_mark(self.claim.record.id)) is not None:
                    self.stop.now("cancelled")
                    return
            await asyncio.sleep(self.host.patience.cancel_poll_s)

    async def _events_before(self) -> int:
        """How many events an earlier holder of this run has written: the numbers go on from there."""
        newest = 0
        if self.claim.record.attempt > 1:
            async for entry in self.host.store.list(layout.events(self.claim.record.id)):
                stored = await self.host.store.get(entry.key)
                first = int(entry.key.rsplit("/", 1)[1].split(".")[0])
                newest = first - 1 + (stored.content.count(b"\n") if stored else 0)
        return newest

    async def _flushed(self, journal: Journal) -> None:
        for again in range(TRIES_TO_FINISH):
            try:
                return await journal.flush()
            except InfrastructureFault:
                if again == TRIES_TO_FINISH - 1:
                    raise
                await asyncio.sleep(2**again / 4)

    async def _finish(self, end: End, attempt: Attempt, meter: Meter) -> RunRecord:
        for again in range(TRIES_TO_FINISH):
            try:
                return await self.claim.change(
                    status=end.status,
                    reason=end.reason,
                    answer=end.answer,
                    artifacts=end.artifacts,
                    ended_at=self.host.clock(),
                    usage=meter.tokens,
                    requests=meter.requests,
                    cost_usd=meter.cost_usd,
                    confinement=attempt.confinement,
                )
            except InfrastructureFault:
                if again == TRIES_TO_FINISH - 1:
                    raise
                await asyncio.sleep(2**again / 4)
        raise AssertionError("unreachable")


def _of_the_system(error: OSError) -> str:
    """What the machine refused, such as a full disk, in one line."""
    name = f": {error.filename}" if error.filename else ""
    return f"this machine: {error.strerror or error}{name}"
