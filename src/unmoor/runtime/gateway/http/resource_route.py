"""A path with its methods."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

Handler = Callable[[Request], Awaitable[Response]]


class ResourceRoute(Route):
    """One route for all methods of a path, so that a 405 response names every allowed method."""

    def __init__(self, path: str, *, get: Handler | None = None, post: Handler | None = None) -> None:
        self.handlers = {name: handler for name, handler in (("GET", get), ("POST", post)) if handler is not None}
        super().__init__(path, self._handle, methods=list(self.handlers))

    async def _handle(self, request: Request) -> Response:
        return await self.handlers["GET" if request.method == "HEAD" else request.method](request)
