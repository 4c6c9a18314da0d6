"""What a trigger brings becomes a run, once, however often it comes and to however many gateways.

A mark that is put only where there is none says which run a delivery has, and the run is accepted after it. A gateway
that is killed between the two leaves a mark whose run is not there: the next time that the same delivery comes, that
run is accepted, under the same id, so that there are never two.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from unmoor.runtime.clock import Clock
from unmoor.runtime.config import Trigger
from unmoor.runtime.gateway.metrics import Metrics
from unmoor.runtime.gateway.queue.dispatcher import Dispatcher
from unmoor.runtime.logs import Log
from unmoor.runtime.redact import Redact, redact_values
from unmoor.runtime.state import keys
from unmoor.runtime.state.bundle import UnpackedBundle
from unmoor.runtime.state.dedup import claim_dedup_key, run_of_dedup_key
from unmoor.runtime.state.delivery_log import Delivery, DeliveryLog, Outcome
from unmoor.runtime.state.new_run import run_from_trigger
from unmoor.runtime.state.run_record import Artifact
from unmoor.runtime.store import Store

# What people are shown of a delivery's id.
LONGEST_ID = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingFile:
    """A file that came, and where in the run's workspace it goes."""

    path: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingDelivery:
    """Something that came to a trigger: `id` for people, `name` the mark's; `before` is where the mark lies if the same
    came in the window before, which counts for as long as `window`. `answer_to` is kept in the outbox, for who sends
    the run's answer."""

    trigger: Trigger
    id: str
    name: str
    event: Any
    files: tuple[IncomingFile, ...] = ()
    answer_to: Mapping[str, Any] | None = None
    before: str = ""
    window: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeResult:
    """What became of it: accepted, repeated or skipped; the run's id, and why there is none."""

    outcome: Outcome
    run: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """Takes what webhooks, schedules and mailboxes bring."""

    store: Store
    bundle: UnpackedBundle
    dispatcher: Dispatcher
    deliveries: DeliveryLog
    clock: Clock
    redact: Redact
    metrics: Metrics
    log: Log

    async def ingest(self, came: IncomingDelivery) -> IntakeResult:
        """Accepts a run for it, or finds the one that it has; durable once this returns. InfrastructureFault where the
        store cannot be reached: then it must come again."""
        came, now = _without_secrets(came, self.redact), self.clock()
        mine = keys.run_id(now)
        run = await self._run_of(came, mine, now)
        taken = await self._accepted(came, run, now, is_new=run == mine)
        delivery = Delivery(
            id=came.id,
            trigger=came.trigger.name,
            kind=came.trigger.kind,
            at=now,
            outcome=taken.outcome,
            reason=taken.reason,
            run=taken.run,
        )
        await self.deliveries.append(delivery)
        return taken

    async def _run_of(self, came: IncomingDelivery, mine: str, now: datetime) -> str:
        """The id of its run: this new one, or the one that it was given before."""
        if came.before:
            earlier = await run_of_dedup_key(self.store, keys.delivery_dedup_key(came.trigger.name, came.before))
            if earlier and now - keys.created_at(earlier) < came.window:
                return earlier
        return await claim_dedup_key(self.store, keys.delivery_dedup_key(came.trigger.name, came.name), mine)

    async def _accepted(self, came: IncomingDelivery, run: str, now: datetime, *, is_new: bool) -> IntakeResult:
        if not is_new and await self._is_known(run, now):
            return IntakeResult(outcome="repeated", run=run)
        at = keys.created_at(run)
        record = run_from_trigger(
            self.bundle, came.trigger, run=run, delivery=came.id, now=at, event=came.event, redact=self.redact
        )
        kept = await self._kept(came, run)  # before the run is accepted: it may start at once
        if await self.dispatcher.enqueue(replace(record, inputs=kept)):
            self.metrics.count_accepted()
            self.log("run accepted", run=run, trigger=came.trigger.name, delivery=came.id)
            return IntakeResult(outcome="accepted", run=run)
        if not is_new and await self._is_known(run, now):
            return IntakeResult(outcome="repeated", run=run)  # another gateway accepted it meanwhile
        await self._dropped(came, run)
        self.metrics.count_skipped()
        most = self.bundle.agent.run.max_concurrent
        return IntakeResult(outcome="skipped", run="", reason=f"all {most} runs are taken, and run.when_busy is skip")

    async def _kept(self, came: IncomingDelivery, run: str) -> tuple[Artifact, ...]:
        """Puts beside the run what came with it."""
        for file in came.files:
            await self.store.put(keys.input_key(run, file.path), file.content)
        if came.answer_to is not None:
            await self.store.put(keys.outbox_key(run), json.dumps(came.answer_to, ensure_ascii=False).encode())
        return tuple(
            Artifact(path=f.path, size_bytes=len(f.content), sha256=hashlib.sha256(f.content).hexdigest())
            for f in came.files
        )

    async def _dropped(self, came: IncomingDelivery, run: str) -> None:
        for file in came.files:
            await self.store.delete(keys.input_key(run, file.path))
        if came.answer_to is not None:
            await self.store.delete(keys.outbox_key(run))

    async def _is_known(self, run: str, now: datetime) -> bool:
        """Whether the run was accepted: it is in the store, or has been for as long as runs are kept."""
        if now - keys.created_at(run) >= timedelta(seconds=self.bundle.agent.retention.runs_s):
            return True
        if run in self.dispatcher.known:
            return True
        for key in (keys.run_record_key(run), keys.queue_entry_key(run)):
            if await self.store.get(key) is not None:
                return True
        return False


def _without_secrets(came: IncomingDelivery, redact: Redact) -> IncomingDelivery:
    """The same without what nobody is to see: the names of files and the thread of a mail too, and a mark's name. The
    event is read as it is, and its run's record is redacted; files are kept as they are."""
    is_plain = redact(came.name) == came.name
    return replace(
        came,
        id=redact(came.id)[:LONGEST_ID],
        name=came.name if is_plain else f"={hashlib.sha256(came.name.encode(errors='replace')).hexdigest()[:32]}",
        files=tuple(replace(file, path=redact(file.path)) for file in came.files),
        answer_to=None if came.answer_to is None else redact_values({**came.answer_to}, redact),
    )
