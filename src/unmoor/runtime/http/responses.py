"""HTTP responses: JSON, and errors in one shape."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import Response

SAFE = {"x-content-type-options": "nosniff", "cache-control": "no-store"}


class HttpError(Exception):
    """An error response: the status, and one line that says why and what to do."""

    def __init__(self, status: int, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def with_message(self, message: str) -> HttpError:
        """The same error with another message."""
        other = HttpError(self.status, message)
        other.headers = self.headers
        return other


def json_response(values: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON response."""
    body = json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
    return Response(body, status, {**SAFE, **(headers or {})}, "application/json")


def error_response(error: HttpError) -> Response:
    """An error response."""
    return json_response({"error": {"status": error.status, "message": error.message}}, error.status, error.headers)
