"""A run that is asked for over HTTP is begun."""

from __future__ import annotations

from unmoor.runtime.records import RunRecord

from .accept import api_run
from .answers import Refusal
from .api import Api
from .asked import NewRun


async def begin(api: Api, wanted: NewRun) -> RunRecord:
    """Its record once it is safe in the store; a Refusal where no run is begun now."""
    if api.closing.is_set():
        raise Refusal(503, "the gateway is stopping; try again", retry_after="5")
    record = api_run(api.bundle, wanted.prompt, wanted.session, now=api.clock(), redact=api.redact)
    if not await api.dispatcher.add(record):
        api.metrics.skipped()
        most = api.bundle.agent.run.max_concurrent
        raise Refusal(429, f"skipped: all {most} runs are taken, and run.when_busy is skip", retry_after="30")
    api.metrics.accepted()
    api.log("run accepted", run=record.id)
    return record
