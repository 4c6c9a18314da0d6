"""The error in an HTTP response's body, in any of the shapes that Docker, AWS, Azure, Google and unmoor use."""

from __future__ import annotations

import json
from typing import Any

MAX_MESSAGE = 400


def parse_error(values: Any) -> tuple[str, str]:
    """The error's code, if any, and its message on one line."""
    if not isinstance(values, dict):
        return "", one_line(values or "no reason")
    description, inner = values.get("error_description"), values.get("error")
    if isinstance(inner, dict):
        values = inner
    code = next((v for v in map(values.get, ("code", "status", "__type")) if isinstance(v, str)), "")
    message = values.get("message") or values.get("Message") or description or inner or code or "no reason"
    return code.rsplit("#", 1)[-1], one_line(message)


def parse_json_or_text(content: bytes) -> Any:
    """The JSON in a body, None if it is empty, or its text if it is not JSON."""
    try:
        return json.loads(content) if content.strip() else None
    except (ValueError, RecursionError):
        return content.decode(errors="replace")


def one_line(text: object) -> str:
    return " ".join(str(text).split())[:MAX_MESSAGE]
