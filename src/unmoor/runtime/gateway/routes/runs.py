"""Runs: started, listed, shown, cancelled."""

from __future__ import annotations

from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from unmoor.runtime.gateway import asked
from unmoor.runtime.gateway.answers import Refusal, answer, run_values
from unmoor.runtime.gateway.api import NO_RUN, Api
from unmoor.runtime.gateway.listing import page
from unmoor.runtime.gateway.resource import Resource
from unmoor.runtime.gateway.start import begin


def routes(api: Api) -> list[Resource]:
    return [
        Resource("/runs", get=partial(listed, api), post=partial(start, api)),
        Resource("/runs/{id}", get=partial(shown, api)),
        Resource("/runs/{id}/cancel", post=partial(cancel, api)),
    ]


async def start(api: Api, request: Request) -> Response:
    asked.only(request.query_params)
    wanted = asked.new_run(await asked.body_of(request))
    record = await begin(api, wanted)
    return answer({"id": record.id, "status": record.status}, 202, {"location": f"/runs/{record.id}"})


async def listed(api: Api, request: Request) -> Response:
    query = request.query_params
    asked.only(query, "limit", "cursor")
    limit = asked.number(query, "limit", usual=asked.USUAL_RUNS, least=1, most=asked.MOST_RUNS)
    found = await page(api.store, limit=limit, cursor=asked.cursor(query))
    return answer({"runs": [run_values(r) for r in found.runs], "next_cursor": found.next_cursor or None})


async def shown(api: Api, request: Request) -> Response:
    asked.only(request.query_params)
    return answer(run_values(await api.dispatcher.seen(await api.record(request.path_params["id"]))))


async def cancel(api: Api, request: Request) -> Response:
    asked.only(request.query_params)
    asked.nothing(await asked.body_of(request))
    record = await api.dispatcher.cancel(asked.run_id(request.path_params["id"]))
    if record is None:
        raise Refusal(404, NO_RUN)
    api.log("cancel", run=record.id)
    return answer({"id": record.id, "status": record.status}, 200 if record.is_final else 202)
