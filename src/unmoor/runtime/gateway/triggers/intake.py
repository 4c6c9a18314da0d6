"""Starts one run for a delivery, however often it is redelivered and to however many gateways.

The dedup key is created first, by compare-and-swap, and names the run; then the run is accepted. A gateway that is
killed in between leaves a key without a run: the next redelivery accepts that run under the same id.
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
from unmoor.runtime.gateway.queue.dispatcher import START_S, Dispatcher
from unmoor.runtime.logs import Log
from unmoor.runtime.redact import Redact, redact_values
from unmoor.runtime.state import keys
from unmoor.runtime.state.bundle import UnpackedBundle
from unmoor.runtime.state.dedup import DeliveryKey, claim_dedup_key, run_of_dedup_key
from unmoor.runtime.state.delivery_log import Delivery, DeliveryLog, Outcome
from unmoor.runtime.state.new_run import run_from_trigger
from unmoor.runtime.state.run_record import Artifact
from unmoor.runtime.store import Store

# A delivery's id is shown up to this length.
LONGEST_ID = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingFile:
    """A file of a delivery, and its path in the run's workspace."""

    path: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingDelivery:
    """A delivery to a trigger. `reply` is stored in the outbox, which sends the run's answer. `start_s`: how long the
    sender can wait for the run's start."""

    trigger: Trigger
    key: DeliveryKey
    event: Any
    files: tuple[IncomingFile, ...] = ()
    reply: Mapping[str, Any] | None = None
    start_s: float = START_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """Accepts the deliveries of webhooks, schedules and mailboxes."""

    store: Store
    bundle: UnpackedBundle
    dispatcher: Dispatcher
    deliveries: DeliveryLog
    clock: Clock
    redact: Redact
    metrics: Metrics
    log: Log

    async def ingest(self, incoming: IncomingDelivery) -> Delivery:
        """Accepts a run for the delivery, or finds the one that it started before; durable once this returns.

        TransientError where the store cannot be reached: the sender must deliver it again.
        """
        incoming, now = _redact(incoming, self.redact), self.clock()
        new = keys.run_id(now)
        run = await self._run_of(incoming, new, now)
        outcome = await self._accept(incoming, run, now, is_new=run == new)
        skipped = outcome == "skipped"
        delivery = Delivery(
            id=incoming.key.id,
            trigger=incoming.trigger.name,
            kind=incoming.trigger.kind,
            at=now,
            outcome=outcome,
            reason=skip_reason(self.bundle.agent.run.max_concurrent) if skipped else "",
            run="" if skipped else run,
        )
        await self.deliveries.append(delivery)
        return delivery

    async def _run_of(self, incoming: IncomingDelivery, new: str, now: datetime) -> str:
        """The id of the delivery's run: the new one, or the one that it started before."""
        key, trigger = incoming.key, incoming.trigger.name
        if key.before:
            earlier = await run_of_dedup_key(self.store, keys.delivery_dedup_key(trigger, key.before))
            if earlier and now - keys.creation_time(earlier) < key.window:
                return earlier
        signed = keys.delivery_dedup_key(trigger, key.signed) if key.signed else ""
        # Before the id is claimed: a request sent again under another's id must not take that id.
        if signed and (earlier := await run_of_dedup_key(self.store, signed)):
            return earlier
        run = await claim_dedup_key(self.store, keys.delivery_dedup_key(trigger, key.name), new)
        return await claim_dedup_key(self.store, signed, run) if signed else run

    async def _accept(self, incoming: IncomingDelivery, run: str, now: datetime, *, is_new: bool) -> Outcome:
        if not is_new and await self._is_known(run, now):
            return "repeated"
        delivery, at = incoming.key.id, keys.creation_time(run)
        record = run_from_trigger(
            self.bundle, incoming.trigger, run=run, delivery=delivery, now=at, event=incoming.event, redact=self.redact
        )
        inputs = await self._put_files(incoming, run)  # first: once accepted, the run may start at once
        if await self.dispatcher.enqueue(replace(record, inputs=inputs), start_s=incoming.start_s):
            self.metrics.accepted.inc()
            self.log("run accepted", run=run, trigger=incoming.trigger.name, delivery=delivery)
            return "accepted"
        if not is_new and await self._is_known(run, now):
            return "repeated"  # another gateway accepted it meanwhile
        await self._delete_files(incoming, run)
        self.metrics.skipped.inc()
        return "skipped"

    async def _put_files(self, incoming: IncomingDelivery, run: str) -> tuple[Artifact, ...]:
        for file in incoming.files:
            await self.store.put(keys.input_key(run, file.path), file.content)
        if incoming.reply is not None:
            await self.store.put(keys.outbox_key(run), json.dumps(incoming.reply, ensure_ascii=False).encode())
        return tuple(
            Artifact(path=f.path, size_bytes=len(f.content), sha256=hashlib.sha256(f.content).hexdigest())
            for f in incoming.files
        )

    async def _delete_files(self, incoming: IncomingDelivery, run: str) -> None:
        for file in incoming.files:
            await self.store.delete(keys.input_key(run, file.path))
        if incoming.reply is not None:
            await self.store.delete(keys.outbox_key(run))

    async def _is_known(self, run: str, now: datetime) -> bool:
        """Whether the run was accepted: the store has it, or had it until retention removed it."""
        if now - keys.creation_time(run) >= timedelta(seconds=self.bundle.agent.retention.runs_s):
            return True
        if run in self.dispatcher.view.known:
            return True
        stored = [await self.store.get(key) for key in (keys.run_record_key(run), keys.queue_entry_key(run))]
        return any(stored)


def skip_reason(max_concurrent: int) -> str:
    return f"{max_concurrent} runs are active, which is run.max_concurrent, and run.when_busy is skip"


def _redact(incoming: IncomingDelivery, redact: Redact) -> IncomingDelivery:
    """The delivery with secrets redacted in its id, file names, reply and dedup key.

    The event is redacted with the run's record; the content of files is stored unchanged.
    """
    key = incoming.key
    name = key.name
    if redact(name) != name:
        name = f"={hashlib.sha256(name.encode(errors='replace')).hexdigest()[:32]}"
    return replace(
        incoming,
        key=replace(key, id=redact(key.id)[:LONGEST_ID], name=name),
        files=tuple(replace(file, path=redact(file.path)) for file in incoming.files),
        reply=None if incoming.reply is None else redact_values({**incoming.reply}, redact),
    )
