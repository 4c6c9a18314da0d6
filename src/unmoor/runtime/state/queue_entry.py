"""The queue: a run is durable before its acceptance is reported.

The queue entry holds the whole record and is written first. A gateway can therefore be killed at any moment: without
the entry nothing was accepted, and with it the next look at the queue writes the record.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from unmoor.runtime.prompt import render_key
from unmoor.runtime.redact import Redact
from unmoor.runtime.state import keys
from unmoor.runtime.state.bundle import UnpackedBundle
from unmoor.runtime.state.new_run import new_queued_run, prompt_roots
from unmoor.runtime.state.run_record import RunRecord, create_run_record, load_record, read_record, to_json
from unmoor.runtime.store import Store, StoreEntry

# The record of a queue entry is written if it is missing, up to this age; later, retention has removed it. The entry is
# as old as the younger of its run and its object: the store's clock may differ from the gateway's, and a delivery that
# comes again may enqueue an old run now.
RECOVERED_FOR = timedelta(hours=1)
API = "api"


def api_run(bundle: UnpackedBundle, prompt: str, session: str, *, now: datetime, redact: Redact) -> RunRecord:
    """A queued run for POST /runs; without a session it gets the spec's."""
    roots = prompt_roots(bundle, API, API, {"prompt": prompt})
    session = redact(session or render_key(bundle.agent.run.session or "", roots))
    run = keys.run_id(now)
    return new_queued_run(bundle, run, now, trigger=API, kind=API, prompt=redact(prompt), session=session)


async def enqueue_run(store: Store, record: RunRecord) -> None:
    """Puts the run into the queue; once this returns, it will end even if this gateway does not survive."""
    await store.put(keys.queue_entry_key(record.id), to_json(record))
    await create_run_record(store, record)


async def recover_record(store: Store, entry: StoreEntry, run: str, *, now: datetime) -> RunRecord | None:
    """The record of a queued run, written now where its gateway was killed before."""
    if loaded := await load_record(store, run):
        return loaded[0]
    queued = await store.get(entry.key)
    if queued is None or now - max(entry.modified, keys.creation_time(run)) > RECOVERED_FOR:
        await store.delete(entry.key)
        return None
    record = read_record(run, queued.content)
    await create_run_record(store, record)
    return record
