"""A run that is asked for over HTTP is begun."""

from __future__ import annotations

from unmoor.runtime.records import RunRecord

from .accept import api_run
from .answers import HttpError
from .api import ApiContext
from .asked import NewRun


async def start_run(api: ApiContext, wanted: NewRun) -> RunRecord:
    """Its record once it is safe in the store; a Refusal where no run is begun now."""
    if api.closing.is_set():
        raise HttpError(503, "the gateway is stopping; try again", retry_after="5")
    record = api_run(api.bundle, wanted.prompt, wanted.session, now=api.clock(), redact=api.redact)
    if not await api.dispatcher.enqueue(record):
        api.metrics.count_skipped()
        most = api.bundle.agent.run.max_concurrent
        raise HttpError(429, f"skipped: all {most} runs are taken, and run.when_busy is skip", retry_after="30")
    api.metrics.count_accepted()
    api.log("run accepted", run=record.id)
    return record
