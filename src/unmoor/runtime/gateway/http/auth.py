"""Stands before every route: the token, one shape for faults, and a line in the log for each request."""

from __future__ import annotations

import hmac
import time
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from unmoor.container import HEALTH_PATH, PING_PATH, READY_PATH, WAKE_PATH
from unmoor.runtime.gateway.metrics import Metrics
from unmoor.runtime.http.responses import HttpError, error_response
from unmoor.runtime.logs import Log, stack_summary
from unmoor.runtime.redact import Redact

# What is asked every few seconds, and not worth a line in the log each time.
PROBES = (HEALTH_PATH, READY_PATH, PING_PATH)
OPEN = (*PROBES, WAKE_PATH, "/")
# The page's files, and webhooks, of which each proves its sender in its own way.
OPEN_UNDER = ("/page/", "/hooks/")


def is_public_path(path: str) -> bool:
    """Whether the path is for those as well who show no token."""
    return path in OPEN or path.startswith(OPEN_UNDER)


@dataclass(slots=True, kw_only=True)
class AuthMiddleware:
    """Lets a request through to the app where it shows the token, or needs none."""

    app: ASGIApp
    token: str = field(repr=False)
    log: Log
    metrics: Metrics
    redact: Redact
    also_open: tuple[str, ...] = ()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        began, status = time.monotonic(), 0

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._answer(scope, receive, noted)
        except Exception as error:  # whatever it is, the next request must be answered
            self.log("a request failed", level="error", error=type(error).__name__, where=stack_summary(error))
            if not status:
                await error_response(HttpError(500, "the gateway failed; its log says where"))(scope, receive, noted)
        finally:
            self._note(scope, status, time.monotonic() - began)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if not is_public_path(scope["path"]) and scope["path"] not in self.also_open:
                self._check(Request(scope))
        except HttpError as refusal:
            return await error_response(refusal)(scope, receive, send)
        await self.app(scope, receive, send)

    def _check(self, request: Request) -> None:
        scheme, _, shown = request.headers.get("authorization", "").partition(" ")
        same = hmac.compare_digest(shown.strip().encode("latin-1"), self.token.encode())
        if scheme.lower() != "bearer" or not same:
            raise HttpError(
                401, "the token is missing or wrong; send Authorization: Bearer TOKEN", www_authenticate="Bearer"
            )

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = scope.get("route")
        path = getattr(route, "path", "other")
        self.metrics.observe_request(scope["method"], path, status, seconds)
        if scope["path"] not in PROBES:
            shown = self.redact(scope["path"])[:200]  # cut afterwards: half a secret would not be known for one
            self.log("request", method=scope["method"], path=shown, status=status, ms=round(seconds * 1000, 1))
