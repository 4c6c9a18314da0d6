"""A new run: durable before anybody is told that it was accepted.

The mark in the queue holds the whole record and is written first. So there is no moment at which a gateway can be
killed and leave half a run: without the mark nothing was accepted, and with it whoever looks next makes the rest.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any

from unmoor.runtime.prompt import render_key
from unmoor.runtime.redact import Redact
from unmoor.runtime.state import keys
from unmoor.runtime.state.bundle import UnpackedBundle
from unmoor.runtime.state.new_run import new_queued_run
from unmoor.runtime.state.run_record import RunRecord, create_run_record, read_record, to_json
from unmoor.runtime.store import Store, StoreEntry

# A mark without its record is completed for this long. After it, the record is one that retention has removed.
COMPLETED_FOR = timedelta(hours=1)
API = "api"


def api_run(bundle: UnpackedBundle, prompt: str, session: str, *, now: datetime, redact: Redact) -> RunRecord:
    """A queued run as POST /runs asks for it; without a session it has the spec's, if that is the same for all."""
    agent = bundle.agent
    roots: dict[str, Any] = {
        "event": {"prompt": prompt},
        "trigger": {"name": API, "kind": API},
        "agent": {"name": agent.name, "environment": agent.environment},
    }
    return new_queued_run(
        bundle,
        run=keys.run_id(now, secrets.randbits(35)),
        now=now,
        trigger=API,
        kind=API,
        prompt=redact(prompt),
        session=redact(session or render_key(agent.run.session or "", roots)),
    )


async def enqueue_run(store: Store, record: RunRecord) -> None:
    """Puts the run into the queue; once this returns, it is run to an end whatever happens to this gateway."""
    await store.put(keys.queue_entry_key(record.id), to_json(record))
    await create_run_record(store, record)


async def recover_record(store: Store, mark: StoreEntry, run: str, *, now: datetime) -> RunRecord | None:
    """The record of a run in the queue; one that its gateway had no time to write is written now."""
    stored = await store.get(keys.run_record_key(run))
    if stored is not None:
        return read_record(run, stored.content)
    waiting = await store.get(mark.key)
    if waiting is None or now - mark.modified > COMPLETED_FOR:
        await store.delete(mark.key)
        return None
    record = read_record(run, waiting.content)
    await create_run_record(store, record)
    return record
