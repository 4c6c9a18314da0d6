"""Middleware for every route: checks the token, answers errors in one shape, and logs requests."""

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

# Requested every few seconds, and therefore not logged.
PROBES = (HEALTH_PATH, READY_PATH, PING_PATH)
OPEN = (*PROBES, WAKE_PATH, "/")
# The page's files, and webhooks, which verify their senders themselves.
OPEN_UNDER = ("/page/", "/hooks/")


def is_public_path(path: str) -> bool:
    return path in OPEN or path.startswith(OPEN_UNDER)


@dataclass(slots=True, kw_only=True)
class AuthMiddleware:
    """Passes requests to the app that carry the token, or need none."""

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

        async def observed_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._answer(scope, receive, observed_send)
        except Exception as error:  # the gateway must keep serving
            self.log("request failed", level="error", error=type(error).__name__, where=stack_summary(error))
            if not status:
                failure = HttpError(500, "internal error; see the gateway's log")
                await error_response(failure)(scope, receive, observed_send)
        finally:
            self._observe(scope, status, time.monotonic() - began)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if not is_public_path(scope["path"]) and scope["path"] not in self.also_open:
                self._check(Request(scope))
        except HttpError as error:
            return await error_response(error)(scope, receive, send)
        await self.app(scope, receive, send)

    def _check(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        same = hmac.compare_digest(token.strip().encode("latin-1"), self.token.encode())
        if scheme.lower() != "bearer" or not same:
            raise HttpError(
                401, "the token is missing or wrong; send Authorization: Bearer TOKEN", www_authenticate="Bearer"
            )

    def _observe(self, scope: Scope, status: int, seconds: float) -> None:
        route = scope.get("route")
        path = getattr(route, "path", "other")
        self.metrics.observe_request(scope["method"], path, status, seconds)
        if scope["path"] not in PROBES:
            shown = self.redact(scope["path"])[:200]  # before the cut: half a secret would not be recognized
            self.log("request", method=scope["method"], path=shown, status=status, ms=round(seconds * 1000, 1))
