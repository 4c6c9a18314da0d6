"""What the launcher answers: start this run, stop this run, which runs are there. Nothing else can be said to it.

A request is a method and a run's id. There is no body, no query and no header that it looks at, so that whoever asks
decides nothing about a container but whether it is there.
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
    """The launcher's interface over its containers."""

    containers: RunContainers
    log: Log = null_log

    def app(self) -> ASGIApp:
        """The application."""
        routes = [
            Route(HEALTH_PATH, self.health),
            Route("/runs", self.list),
            Route("/runs/{id}", self.start, methods=["POST"]),
            Route("/runs/{id}", self.stop, methods=["DELETE"]),
        ]
        handlers: Any = {HttpError: _refusal, HTTPException: _nothing, UnmoorRuntimeError: self._fault}
        made = Starlette(routes=routes, exception_handlers=handlers)
        made.router.redirect_slashes = False
        return made

    async def health(self, request: Request) -> Response:
        return json_response({"status": "ok"})

    async def list(self, request: Request) -> Response:
        return json_response({"runs": [dataclasses.asdict(seen) for seen in await self.containers.runs()]})

    async def start(self, request: Request) -> Response:
        run = _run(request)
        await self.containers.start(run)
        return json_response({"run": run}, 202)

    async def stop(self, request: Request) -> Response:
        run = _run(request)
        stopping = await self.containers.stop(run)
        return json_response({"run": run, "stopping": stopping}, 202 if stopping else 200)

    async def _fault(self, request: Request, error: Exception) -> Response:
        self.log(str(error), level="error")
        if isinstance(error, CapacityReached):
            return error_response(HttpError(429, str(error)))
        passing = isinstance(error, TransientError)
        return error_response(HttpError(503 if passing else 409, str(error)))


def _run(request: Request) -> str:
    run = request.path_params["id"]
    if not keys.RUN_ID.fullmatch(run):
        raise HttpError(404, "that is no run's id")
    return run


async def _refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, HttpError)
    return error_response(error)


async def _nothing(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return error_response(
        HttpError(error.status_code, "the launcher starts, stops and lists runs, and does nothing else")
    )
