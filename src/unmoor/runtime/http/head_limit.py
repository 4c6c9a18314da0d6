"""Refuses requests whose head is too large."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from unmoor.runtime.head_size import head_problem

from .responses import HttpError, error_response

MAX_HEAD_BYTES = 32 * 1024
MAX_HEADERS = 256


def limit_heads(app: ASGIApp) -> ASGIApp:
    """The application, behind a refusal of heads that are too large."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (problem := _problem(scope)):
            return await error_response(HttpError(431, problem, connection="close"))(scope, receive, send)
        await app(scope, receive, send)

    return serve


def _problem(scope: Scope) -> str:
    target_bytes = len(scope["raw_path"]) + len(scope["query_string"])
    return head_problem(target_bytes, scope["headers"], most_bytes=MAX_HEAD_BYTES, most_headers=MAX_HEADERS)
