"""How a fault in a route is answered: always in one shape, and never with more than it may say."""

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
    """By kind of fault, what answers it."""

    async def fault(request: Request, error: Exception) -> Response:
        log(str(error), level="error")
        if isinstance(error, TransientError):
            return error_response(HttpError(503, "the store cannot be reached; try again", retry_after="5"))
        return error_response(HttpError(500, redact(str(error))))

    async def refusal(request: Request, error: Exception) -> Response:
        assert isinstance(error, HttpError)
        return error_response(error.with_message(redact(error.message)))  # it may name what was asked

    return {HttpError: refusal, UnmoorRuntimeError: fault, HTTPException: _of_starlette, Exception: _ours}


async def _ours(request: Request, error: Exception) -> Response:
    return error_response(HttpError(500, "the gateway failed; its log says where"))


async def _of_starlette(request: Request, error: Exception) -> Response:
    """Starlette's own refusals, such as of a path or method that is not there, in our shape."""
    assert isinstance(error, HTTPException)
    headers = {name.replace("-", "_"): value for name, value in (error.headers or {}).items()}
    says = {404: "there is nothing at this path; GET /openapi.json lists what there is"}
    message = says.get(error.status_code, f"{request.method} is not possible here")
    return error_response(HttpError(error.status_code, message, **headers))
