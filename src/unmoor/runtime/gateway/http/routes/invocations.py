"""The contract of managed container hosts: a request that waits for its run's end, and a ping that reports activity.

AgentCore Runtime's is https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/runtime-http-protocol-contract.html
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from unmoor.container import INVOCATIONS_PATH, PING_PATH
from unmoor.runtime.gateway.http import requests
from unmoor.runtime.gateway.http.context import ApiContext, start_run
from unmoor.runtime.gateway.http.event_stream import EventStream
from unmoor.runtime.gateway.http.resource_route import ResourceRoute
from unmoor.runtime.http.responses import json_response
from unmoor.runtime.state.run_record import RunRecord
from unmoor.runtime.waiting import wait_event

# Seconds between polls of a run's end.
LOOK_S = 0.5


def routes(api: ApiContext) -> list[ResourceRoute]:
    return [
        ResourceRoute(INVOCATIONS_PATH, post=partial(invoke, api)),
        ResourceRoute(PING_PATH, get=partial(ping, api, Pulse(changed_at=int(api.clock().timestamp())))),
    ]


async def invoke(api: ApiContext, request: Request) -> Response:
    """Starts a run and responds when it has ended, or streams its events if the client accepts a stream."""
    requests.reject_unknown_params(request.query_params)
    session = request.headers.get(requests.SESSION_HEADER, "")
    new_run = requests.with_session(requests.new_run(await requests.read_body(request)), session)
    api.slots.check()
    record = await start_run(api, new_run)
    location = {"content-location": f"/runs/{record.id}"}
    if "text/event-stream" in request.headers.get("accept", ""):
        return EventStream(api, record.id, after=0, headers=location)
    with api.slots.hold():
        ended = await _wait_for_end(api, request, record)
    return json_response(_outcome(ended), 200 if ended.is_final else 202, location)


async def _wait_for_end(api: ApiContext, request: Request, record: RunRecord) -> RunRecord:
    """The record at the run's end, or earlier when the client disconnects or the gateway stops; the run continues."""
    look = api.record_reader(record.id)
    while not (record := await look()).is_final:
        await wait_event(api.closing, LOOK_S)
        if api.closing.is_set() or await request.is_disconnected():
            return await look()
    return record


def _outcome(record: RunRecord) -> dict[str, Any]:
    cost = None if record.cost_usd is None else str(record.cost_usd)
    ended = {"id": record.id, "status": record.status, "response": record.answer}
    return {**ended, "reason": record.reason, "cost_usd": cost}


@dataclass(slots=True, kw_only=True)
class Pulse:
    """The time of the last activity, by which hosts stop idle containers: it advances only while runs are active."""

    changed_at: int
    busy: bool = False

    def at(self, now: int, *, busy: bool) -> int:
        if busy or self.busy:
            self.changed_at = now
        self.busy = busy
        return self.changed_at


async def ping(api: ApiContext, pulse: Pulse, request: Request) -> Response:
    busy = any(not record.is_final for record in api.dispatcher.view.known.values())
    at = pulse.at(int(api.clock().timestamp()), busy=busy)
    return json_response({"status": "HealthyBusy" if busy else "Healthy", "time_of_last_update": at})
