"""Anthropic Messages. https://platform.claude.com/docs/en/api/messages, https://platform.claude.com/docs/en/api/errors"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from unmoor.runtime.events import Tokens

from .protocol import Call, Pairs
from .usage import Json, ReportedUsage, items, number, part, price_terms, text_size

MODELS = re.compile(r"v1/models(/[A-Za-z0-9._~-]+)?")
ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    504: "timeout_error",
}
# Tools that run at the provider and reach the web from there.
WEB_TOOLS = ("web_search", "web_fetch", "mcp")


class AnthropicFormat:
    """The Messages API."""

    passes = "POST v1/messages, POST v1/messages/count_tokens and GET v1/models"

    def call(self, method: str, path: str) -> Call | None:
        if method == "POST" and path == "v1/messages":
            return Call(kind="generate", path=path)
        if method == "POST" and path == "v1/messages/count_tokens":
            return Call(kind="count", path=path)
        return Call(kind="list", path=path) if method == "GET" and MODELS.fullmatch(path) else None

    def allowed_query(self, pairs: Pairs) -> Pairs:
        return [(name, value) for name, value in pairs if name != "key"]

    def key(self, key: str) -> tuple[str, str]:
        return "x-api-key", key

    def streams(self, body: Json, call: Call) -> bool:
        return body.get("stream") is True

    def policy_violations(self, body: Json, model: str) -> Iterator[str]:
        if body.get("fallbacks"):
            yield "fallbacks would use another model"
        for tool in items(body, "tools"):
            if tool.get("model") not in (None, model):
                yield f"tool {tool.get('name')} would use another model"

    def provider_side_egress(self, body: Json) -> Iterator[str]:
        if body.get("mcp_servers"):
            yield "mcp_servers"
        for tool in items(body, "tools"):
            if str(tool.get("type", "")).startswith(WEB_TOOLS):
                yield f"tool {tool['type']}"
        for message in items(body, "messages"):
            yield from _remote_sources(items(message, "content"))

    def accumulate_usage(self, said: ReportedUsage, event: Json) -> ReportedUsage:
        match event.get("type"):
            case "message_start":
                return _used(said, part(event, "message", "usage"), whole=False)
            case "content_block_start":
                return _more(said, part(event, "content_block"))
            case "content_block_delta":
                return _more(said, part(event, "delta"))
            case "message_delta":
                return _used(said, part(event, "usage"), whole=True)
            case "message":
                said = _used(said, part(event, "usage"), whole=True)
                return replace(said, text_bytes=sum(map(_size, items(event, "content"))))
            case "error":
                return replace(said, failed=True)
            case _:
                return said

    def error(self, status: int, message: str) -> Json:
        kind = ERRORS.get(status, "api_error")
        return {"type": "error", "error": {"type": kind, "message": message}}

    def error_event(self, message: str) -> bytes:
        return f"event: error\ndata: {json.dumps(self.error(402, message))}\n\n".encode()


def _remote_sources(blocks: Iterable[Json]) -> Iterator[str]:
    for block in blocks:
        if block.get("type") in ("image", "document") and part(block, "source").get("type") == "url":
            yield f"{block['type']} by its URL"
        if block.get("type") == "tool_result":
            yield from _remote_sources(items(block, "content"))


def _size(block: Json) -> int:
    size = text_size(block.get("text"), block.get("thinking"), block.get("partial_json"))
    tool_input: Any = block.get("input")
    return size + (len(json.dumps(tool_input)) if tool_input else 0)


def _more(said: ReportedUsage, delta: Json) -> ReportedUsage:
    return replace(said, text_bytes=said.text_bytes + _size(delta))


def _used(said: ReportedUsage, usage: Json, *, whole: bool) -> ReportedUsage:
    """Counts are cumulative: what a later event says replaces what an earlier one said, and what it omits stays.

    A compaction is in none of the totals but among the `iterations`, and is paid like the rest.
    """
    if not usage:
        return said
    before = said.tokens or Tokens()
    apart = [entry for entry in items(usage, "iterations") if entry.get("type") == "compaction"]
    read, write, long = (
        _cumulative(usage, "cache_read_input_tokens", before.cached_input, apart),
        _cumulative(usage, "cache_creation_input_tokens", before.cache_write, apart),
        number(usage, "cache_creation", "ephemeral_1h_input_tokens"),
    )
    fresh = _cumulative(usage, "input_tokens", before.input - before.cached_input - before.cache_write, apart)
    return replace(
        said,
        tokens=Tokens(
            input=fresh + read + write,
            cached_input=read,
            cache_write=write,
            output=_cumulative(usage, "output_tokens", before.output, apart),
            reasoning=number(usage, "output_tokens_details", "thinking_tokens") or before.reasoning,
        ),
        whole=whole,
        long_cache_write=long or said.long_cache_write,
        searches=number(usage, "server_tool_use", "web_search_requests") or said.searches,
        terms=price_terms(usage, "service_tier", "speed") or said.terms,
    )


def _cumulative(usage: Json, name: str, before: int, apart: list[Json]) -> int:
    if not isinstance(usage.get(name), int):
        return before
    return number(usage, name) + sum(number(entry, name) for entry in apart)
