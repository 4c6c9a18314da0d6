"""Starts, lists, shows and cancels runs."""

from __future__ import annotations

from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from unmoor.runtime.gateway.http import requests
from unmoor.runtime.gateway.http.context import NO_RUN, ApiContext, run_json, start_run
from unmoor.runtime.gateway.http.resource_route import ResourceRoute
from unmoor.runtime.http.responses import HttpError, json_response
from unmoor.runtime.state.run_pages import list_runs


def routes(api: ApiContext) -> list[ResourceRoute]:
    return [
        ResourceRoute("/runs", get=partial(list_page, api), post=partial(start, api)),
        ResourceRoute("/runs/{id}", get=partial(show, api)),
        ResourceRoute("/runs/{id}/cancel", post=partial(cancel, api)),
    ]


async def start(api: ApiContext, request: Request) -> Response:
    requests.reject_unknown_params(request.query_params)
    new_run = requests.new_run(await requests.read_body(request))
    record = await start_run(api, new_run)
    return json_response({"id": record.id, "status": record.status}, 202, {"location": f"/runs/{record.id}"})


async def list_page(api: ApiContext, request: Request) -> Response:
    query = request.query_params
    requests.reject_unknown_params(query, "limit", "cursor")
    page = await list_runs(api.store, limit=requests.limit_param(query), cursor=requests.cursor_param(query))
    return json_response({"runs": [run_json(r) for r in page.runs], "next_cursor": page.next_cursor or None})


async def show(api: ApiContext, request: Request) -> Response:
    requests.reject_unknown_params(request.query_params)
    return json_response(run_json(await api.dispatcher.settle_if_expired(await api.record(request.path_params["id"]))))


async def cancel(api: ApiContext, request: Request) -> Response:
    requests.reject_unknown_params(request.query_params)
    requests.require_empty_body(await requests.read_body(request))
    record = await api.dispatcher.cancel(requests.run_id(request.path_params["id"]))
    if record is None:
        raise HttpError(404, NO_RUN)
    api.log("cancel requested", run=record.id)
    return json_response({"id": record.id, "status": record.status}, 200 if record.is_final else 202)
