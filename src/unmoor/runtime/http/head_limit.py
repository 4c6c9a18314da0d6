"""The limit of a request's head. h11 limits only a head that arrives in parts."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from .responses import HttpError, error_response

MAX_HEAD_BYTES = 32 * 1024
MAX_HEADERS = 256


def limit_heads(app: ASGIApp) -> ASGIApp:
    """The application, behind a refusal of heads that are too large."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (problem := head_problem(scope)):
            return await error_response(HttpError(431, problem, connection="close"))(scope, receive, send)
        await app(scope, receive, send)

    return serve


def head_problem(scope: Scope) -> str:
    """Why the head is too large; empty if it is not."""
    headers = scope["headers"]
    size = len(scope["raw_path"]) + len(scope["query_string"]) + sum(len(n) + len(v) + 4 for n, v in headers)
    if size > MAX_HEAD_BYTES:
        return f"the request's head is larger than {MAX_HEAD_BYTES // 1024} KiB; send less in headers and the URL"
    return f"the request has more than {MAX_HEADERS} headers; send fewer" if len(headers) > MAX_HEADERS else ""
