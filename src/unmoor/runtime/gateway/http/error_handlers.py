"""Error responses: always one shape, and no internals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from unmoor.runtime.errors import TransientError, UnmoorRuntimeError
from unmoor.runtime.http.responses import HttpError, error_response
from unmoor.runtime.logs import Log
from unmoor.runtime.redact import Redact


def exception_handlers(log: Log, redact: Redact) -> Mapping[Any, Any]:
    async def handle_runtime_error(request: Request, error: Exception) -> Response:
        log(str(error), level="error")
        if isinstance(error, TransientError):
            return error_response(HttpError(503, "the store cannot be reached; try again", retry_after="5"))
        return error_response(HttpError(500, redact(str(error))))

    async def handle_http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HttpError)
        return error_response(error.with_message(redact(error.message)))  # it may quote the request

    return {
        HttpError: handle_http_error,
        UnmoorRuntimeError: handle_runtime_error,
        HTTPException: _starlette_error,
        Exception: _internal_error,
    }


async def _internal_error(request: Request, error: Exception) -> Response:
    return error_response(HttpError(500, "internal error; see the gateway's log"))


async def _starlette_error(request: Request, error: Exception) -> Response:
    """Starlette's own errors, such as unknown paths and methods, in our shape."""
    assert isinstance(error, HTTPException)
    headers = {name.replace("-", "_"): value for name, value in (error.headers or {}).items()}
    messages = {404: "unknown path; GET /openapi.json lists all paths"}
    message = messages.get(error.status_code, f"{request.method} is not allowed for this path")
    return error_response(HttpError(error.status_code, message, **headers))
