"""What OpenAI's two wire formats share. https://platform.openai.com/docs/guides/error-codes"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from .protocol import Call, Pairs
from .usage import Json, items

MODELS = re.compile(r"models(/[A-Za-z0-9._~:/-]+)?")
ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "insufficient_quota",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    504: "timeout",
}
# Ways to have another model answer: OpenRouter's lists of substitutes and stored settings, and `fallbacks` of others.
OTHER_MODELS = ("models", "fallbacks", "preset")
# Tools that run at the provider and reach the web from there.
WEB_TOOLS = ("web_search", "web_fetch", "mcp", "code_interpreter", "openrouter:")
PASSES = "POST chat/completions, POST responses and GET models"


class OpenAIFormat:
    """What chat completions and responses have in common."""

    passes = PASSES
    path = ""

    def call(self, method: str, path: str) -> Call | None:
        if method == "POST" and path == self.path:
            return Call(kind="generate", path=path)
        return Call(kind="list", path=path) if method == "GET" and MODELS.fullmatch(path) else None

    def allowed_query(self, pairs: Pairs) -> Pairs:
        return [(name, value) for name, value in pairs if name != "key"]

    def key(self, key: str) -> tuple[str, str]:
        return "authorization", f"Bearer {key}"

    def streams(self, body: Json, call: Call) -> bool:
        return body.get("stream") is True

    def policy_violations(self, body: Json, model: str) -> Iterator[str]:
        for name in OTHER_MODELS:
            if body.get(name):
                yield f"{name} would use another model"
        for tool in all_tools(body):
            if tool.get("model") not in (None, model):
                yield f"tool {tool.get('type')} would use another model"
        if body.get("background"):
            yield "what an answer in the background used is never said"

    def error(self, status: int, message: str) -> Json:
        kind = ERRORS.get(status, "api_error")
        return {"error": {"message": message, "type": kind, "param": None, "code": kind}}


def all_tools(value: Any) -> Iterator[Json]:
    """The tools that a request offers, those in groups and those that are added later in the conversation too."""
    for tool in items(value, "tools"):
        yield tool
        yield from all_tools(tool)
    for item in items(value, "input"):
        yield from all_tools(item)


def web_tools(body: Json) -> Iterator[str]:
    for tool in all_tools(body):
        if str(tool.get("type", "")).startswith(WEB_TOOLS):
            yield f"tool {tool['type']}"


def remote(urls: Iterable[Any]) -> bool:
    """Whether one of these is fetched by the provider: data URLs carry their content along."""
    return any(isinstance(url, str) and not url.startswith("data:") for url in urls)
