"""The launcher's HTTP API: start a run, stop a run, list runs.

A request is only a method and a run's id. The launcher reads no body, query or header, so that a caller decides nothing
about a container except whether it exists.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from unmoor.container import HEALTH_PATH
from unmoor.runtime.errors import TransientError, UnmoorRuntimeError
from unmoor.runtime.http.responses import HttpError, error_response, json_response
from unmoor.runtime.logs import Log, null_log
from unmoor.runtime.state import keys

from .run_containers import CapacityReached, RunContainers


@dataclass(frozen=True, slots=True, kw_only=True)
class LauncherApi:
    """The launcher's API over its containers."""

    containers: RunContainers
    log: Log = null_log

    def app(self) -> ASGIApp:
        """The ASGI application."""
        routes = [
            Route(HEALTH_PATH, self.health),
            Route("/runs", self.list),
            Route("/runs/{id}", self.start, methods=["POST"]),
            Route("/runs/{id}", self.stop, methods=["DELETE"]),
        ]
        handlers: Any = {HttpError: _http_error, HTTPException: _unknown_path, UnmoorRuntimeError: self._runtime_error}
        app = Starlette(routes=routes, exception_handlers=handlers)
        app.router.redirect_slashes = False
        return app

    async def health(self, request: Request) -> Response:
        return json_response({"status": "ok"})

    async def list(self, request: Request) -> Response:
        return json_response({"runs": [dataclasses.asdict(run) for run in await self.containers.runs()]})

    async def start(self, request: Request) -> Response:
        run = _run(request)
        await self.containers.start(run)
        return json_response({"run": run}, 202)

    async def stop(self, request: Request) -> Response:
        run = _run(request)
        stopping = await self.containers.stop(run)
        return json_response({"run": run, "stopping": stopping}, 202 if stopping else 200)

    async def _runtime_error(self, request: Request, error: Exception) -> Response:
        self.log(str(error), level="error")
        status = 429 if isinstance(error, CapacityReached) else 503 if isinstance(error, TransientError) else 409
        return error_response(HttpError(status, str(error)))


def _run(request: Request) -> str:
    run = request.path_params["id"]
    if not keys.RUN_ID.fullmatch(run):
        raise HttpError(404, "this is not a run id")
    return run


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HttpError)
    return error_response(error)


async def _unknown_path(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return error_response(HttpError(error.status_code, "the launcher only starts, stops and lists runs"))
