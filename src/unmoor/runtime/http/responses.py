"""What the gateway answers: JSON, and faults in one shape."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import Response

SAFE = {"x-content-type-options": "nosniff", "cache-control": "no-store"}


class HttpError(Exception):
    """A request that is not answered as it was meant: the status and one line that says why and what to do."""

    def __init__(self, status: int, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def with_message(self, message: str) -> HttpError:
        """The same with another line."""
        other = HttpError(self.status, message)
        other.headers = self.headers
        return other


def json_response(values: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """The values as JSON."""
    body = json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
    return Response(body, status, {**SAFE, **(headers or {})}, "application/json")


def error_response(refusal: HttpError) -> Response:
    """Every fault's one shape."""
    return json_response(
        {"error": {"status": refusal.status, "message": refusal.message}}, refusal.status, refusal.headers
    )
