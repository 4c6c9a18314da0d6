"""The gateway's routes."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from unmoor.container import HEALTH_PATH, READY_PATH
from unmoor.runtime import layout
from unmoor.runtime.bundle import Unpacked
from unmoor.runtime.claim import Clock, read_record
from unmoor.runtime.errors import InfrastructureFault, RuntimeFault
from unmoor.runtime.guard.way import Log
from unmoor.runtime.records import RunRecord
from unmoor.runtime.redact import Redact
from unmoor.runtime.store import Store

from . import asked
from .accept import api_run
from .answers import SAFE, Refusal, answer, refused, run_values
from .dispatch import Dispatcher
from .feed import Feed
from .gate import Gate
from .listing import page
from .metrics import Metrics
from .openapi import document
from .streams import Pace, polled, server_sent

MOST_STREAMS = 200
LAST_EVENT = 2**53 - 1
NO_RUN = "there is no run of that id"


@dataclass(slots=True, kw_only=True)
class Api:
    """What the routes need; `closing` is set when the gateway is told to stop."""

    store: Store
    bundle: Unpacked
    dispatcher: Dispatcher
    clock: Clock
    redact: Redact
    metrics: Metrics
    log: Log
    token: str = field(repr=False)
    pace: Pace = field(default_factory=Pace)
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    _streams: int = 0

    def app(self) -> ASGIApp:
        """The whole application, with its gate."""
        routes = [
            Route(HEALTH_PATH, self.health),
            Route(READY_PATH, self.ready),
            Route("/runs", self.start, methods=["POST"]),
            Route("/runs", self.list),
            Route("/runs/{id}", self.show),
            Route("/runs/{id}/events", self.events),
            Route("/runs/{id}/cancel", self.cancel, methods=["POST"]),
            Route("/runs/{id}/artifacts/{path:path}", self.artifact),
            Route("/metrics", self.numbers),
            Route("/openapi.json", self.openapi),
        ]
        starlette = Starlette(routes=routes, exception_handlers=self._faults())
        starlette.router.redirect_slashes = False
        return Gate(app=starlette, token=self.token, log=self.log, metrics=self.metrics)

    def _faults(self) -> Mapping[Any, Any]:
        async def refusal(request: Request, error: Exception) -> Response:
            assert isinstance(error, Refusal)
            return refused(error)

        async def fault(request: Request, error: Exception) -> Response:
            self.log(str(error), level="error")
            if isinstance(error, InfrastructureFault):
                return refused(Refusal(503, "the store cannot be reached; try again", retry_after="5"))
            return refused(Refusal(500, self.redact(str(error))))

        async def ours(request: Request, error: Exception) -> Response:
            return refused(Refusal(500, "the gateway failed; its log says where"))

        return {Refusal: refusal, RuntimeFault: fault, HTTPException: _of_starlette, Exception: ours}

    async def health(self, request: Request) -> Response:
        return answer({"status": "ok"})

    async def ready(self, request: Request) -> Response:
        ready = self.dispatcher.reached and not self.closing.is_set()
        values = {"status": "ready" if ready else "not ready", "bundle": self.bundle.sha256}
        return answer(values, 200 if ready else 503)

    async def start(self, request: Request) -> Response:
        asked.only(request.query_params)
        wanted = asked.new_run(await asked.body_of(request))
        if self.closing.is_set():
            raise Refusal(503, "the gateway is stopping; try again", retry_after="5")
        record = api_run(self.bundle, wanted.prompt, wanted.session, now=self.clock(), redact=self.redact)
        if not await self.dispatcher.add(record):
            self.metrics.skipped()
            most = self.bundle.agent.run.max_concurrent
            raise Refusal(429, f"skipped: all {most} runs are taken, and run.when_busy is skip", retry_after="30")
        self.metrics.accepted()
        self.log("run accepted", run=record.id)
        return answer({"id": record.id, "status": record.status}, 202, {"location": f"/runs/{record.id}"})

    async def list(self, request: Request) -> Response:
        query = request.query_params
        asked.only(query, "limit", "cursor")
        limit = asked.number(query, "limit", usual=asked.USUAL_RUNS, least=1, most=asked.MOST_RUNS)
        found = await page(self.store, limit=limit, cursor=asked.cursor(query))
        return answer({"runs": [run_values(r) for r in found.runs], "next_cursor": found.next_cursor or None})

    async def show(self, request: Request) -> Response:
        asked.only(request.query_params)
        return answer(run_values(await self.dispatcher.seen(await self._record(request))))

    async def cancel(self, request: Request) -> Response:
        asked.only(request.query_params)
        asked.nothing(await asked.body_of(request))
        record = await self.dispatcher.cancel(asked.run_id(request.path_params["id"]))
        if record is None:
            raise Refusal(404, NO_RUN)
        self.log("cancel", run=record.id)
        return answer({"id": record.id, "status": record.status}, 200 if record.is_final else 202)

    async def events(self, request: Request) -> Response:
        query = request.query_params
        asked.only(query, "after", "wait")
        await self._record(request)
        if query and "text/event-stream" not in request.headers.get("accept", ""):
            return await self._polled(request)
        return await self._streamed(request)

    async def artifact(self, request: Request) -> Response:
        """A file that the run left. Only paths that its record names are looked for, so that none leads elsewhere."""
        asked.only(request.query_params)
        record, path = await self._record(request), request.path_params["path"]
        if all(artifact.path != path for artifact in record.artifacts):
            raise Refusal(404, "the run has no artifact of that path")
        handle, name = tempfile.mkstemp(prefix="artifact-")
        os.close(handle)
        remove = BackgroundTask(Path(name).unlink, missing_ok=True)
        if not await self.store.download(layout.artifact(record.id, path), Path(name)):
            await remove()
            raise Refusal(410, "the artifact is no longer in the store")
        file = quote(path.rsplit("/", 1)[-1], safe="")
        headers = {
            **SAFE,
            "content-disposition": f"attachment; filename*=UTF-8''{file}",
            "content-security-policy": "default-src 'none'; sandbox",
        }
        return FileResponse(name, headers=headers, media_type="application/octet-stream", background=remove)

    async def numbers(self, request: Request) -> Response:
        text = self.metrics.text(self.dispatcher.known.values())
        return Response(text, headers={**SAFE, "content-type": "text/plain; version=0.0.4; charset=utf-8"})

    async def openapi(self, request: Request) -> Response:
        return answer(document(self.bundle.agent.name))

    async def _record(self, request: Request) -> RunRecord:
        stored = await self.store.get(layout.run_record(asked.run_id(request.path_params["id"])))
        if stored is None:
            raise Refusal(404, NO_RUN)
        return read_record(request.path_params["id"], stored.content)

    def _looker(self, request: Request) -> Callable[[], Awaitable[RunRecord]]:
        async def look() -> RunRecord:
            return await self.dispatcher.seen(await self._record(request))

        return look

    async def _polled(self, request: Request) -> Response:
        query = request.query_params
        after = asked.number(query, "after", usual=0, least=0, most=LAST_EVENT)
        wait = asked.number(query, "wait", usual=0, least=0, most=asked.MOST_WAIT_S)
        feed = Feed(store=self.store, run=request.path_params["id"], after=after)
        return answer(await polled(feed, self._looker(request), wait_s=wait, pace=self.pace, closing=self.closing))

    async def _streamed(self, request: Request) -> Response:
        query = {"after": request.headers.get("last-event-id") or request.query_params.get("after", "0")}
        after = asked.number(query, "after", usual=0, least=0, most=LAST_EVENT)
        feed = Feed(store=self.store, run=request.path_params["id"], after=after)
        if after and (await self._record(request)).is_final and not await feed.more():
            return Response(status_code=204, headers=SAFE)  # by which a browser knows not to ask again
        feed = Feed(store=self.store, run=request.path_params["id"], after=after)
        if self._streams >= MOST_STREAMS:
            raise Refusal(503, f"{MOST_STREAMS} streams are open, and no more are served; poll with ?after=N&wait=20")
        self._streams += 1
        stream = server_sent(feed, self._looker(request), pace=self.pace, closing=self.closing)
        headers = {**SAFE, "x-accel-buffering": "no"}
        return _Stream(stream, headers=headers, media_type="text/event-stream", ended=self._ended)

    def _ended(self) -> None:
        self._streams -= 1


class _Stream(StreamingResponse):
    """A stream that says when it is over, however that comes about."""

    def __init__(self, content: object, *, ended: Callable[[], None], **rest: object) -> None:
        super().__init__(content, **rest)  # type: ignore[arg-type]
        self._ended = ended

    async def __call__(self, *ways: object) -> None:
        try:
            await super().__call__(*ways)  # type: ignore[arg-type]
        finally:
            self._ended()


async def _of_starlette(request: Request, error: Exception) -> Response:
    """Starlette's own refusals, such as of a path or method that is not there, in our shape."""
    assert isinstance(error, HTTPException)
    headers = {name.replace("-", "_"): value for name, value in (error.headers or {}).items()}
    says = {404: "there is nothing at this path; GET /openapi.json lists what there is"}
    message = says.get(error.status_code, f"{request.method} is not possible here")
    return refused(Refusal(error.status_code, message, **headers))
