"""The common part of OpenAI's two formats. https://platform.openai.com/docs/guides/error-codes"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from unmoor.runtime.json_values import Json

from .protocol import WireFormat, one_or_more

ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "insufficient_quota",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    504: "timeout",
}
# Members by which another model may respond: OpenRouter's substitutes and stored settings, and others' `fallbacks`.
OTHER_MODELS = ("models", "fallbacks", "preset")


class OpenAIFormat(WireFormat):
    """The common part of chat completions and responses."""

    passes = "POST chat/completions, POST responses and GET models"
    models = re.compile(r"models(/[A-Za-z0-9._~:/-]+)?")
    # https://developers.openai.com/api/docs/models/gpt-5.5
    most_output = 128_000

    def key(self, key: str) -> tuple[str, str]:
        return "authorization", f"Bearer {key}"

    def policy_violations(self, body: Json, model: str) -> Iterator[str]:
        for name in OTHER_MODELS:
            if body.get(name):
                yield f"{name} would use another model"
        for tool in all_tools(body):
            if tool.get("model") not in (None, model):
                yield f"tool {tool.get('type')} would use another model"
        if body.get("background"):
            yield "a background response never reports its usage"

    def error(self, status: int, message: str) -> Json:
        kind = ERRORS.get(status, "api_error")
        return {"error": {"message": message, "type": kind, "param": None, "code": kind}}


def all_tools(value: Any) -> Iterator[Json]:
    """The tools in a request, including those in groups and those added later in the conversation."""
    for tool in one_or_more(value, "tools"):
        yield tool
        yield from all_tools(tool)
    for item in one_or_more(value, "input"):
        yield from all_tools(item)


def inline_images(urls: Iterable[Any]) -> Iterator[str]:
    """Those of these URLs that hold an image."""
    return (url for url in urls if isinstance(url, str) and url.startswith("data:image/"))
