"""Anthropic Messages. https://platform.claude.com/docs/en/api/messages, https://platform.claude.com/docs/en/api/errors"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from types import MappingProxyType

from unmoor.runtime.events import Finish, Tokens
from unmoor.runtime.guard.model.bodies.anthropic_messages import REQUEST
from unmoor.runtime.guard.model.bodies.grammar import find_unsafe_member
from unmoor.runtime.json_values import Json, count, is_count, items, object_at, text, value_at

from .ending import Ending, has_text
from .protocol import WireFormat, one_or_more
from .usage import ReportedUsage, has_invalid_count, price_terms, text_size

ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    504: "timeout_error",
}


class AnthropicFormat(WireFormat):
    """The Messages API."""

    passes = "POST v1/messages, POST v1/messages/count_tokens and GET v1/models"
    posts = (("v1/messages", "generate"), ("v1/messages/count_tokens", "count"))
    models = re.compile(r"v1/models(/[A-Za-z0-9._~-]+)?")
    # Every request must set one; this is the largest: https://platform.claude.com/docs/en/models
    most_output = 128_000
    # https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons
    finishes = MappingProxyType[str, Finish](
        {
            "max_tokens": "length",
            "model_context_window_exceeded": "length",
            "pause_turn": "broken",
            "refusal": "refused",
        }
    )

    def max_output(self, body: Json) -> int:
        return count(body, "max_tokens") or self.most_output

    def images(self, body: Json) -> Iterator[str]:
        for message in items(body, "messages"):
            for block in items(message, "content"):
                inner = items(block, "content") if block.get("type") == "tool_result" else []
                for image in (block, *inner):
                    data = object_at(image, "source").get("data")
                    if image.get("type") == "image" and isinstance(data, str):
                        yield data

    def key(self, key: str) -> tuple[str, str]:
        return "x-api-key", key

    def policy_violations(self, body: Json, model: str) -> Iterator[str]:
        if body.get("fallbacks"):
            yield "fallbacks would use another model"
        for tool in one_or_more(body, "tools"):
            if tool.get("model") not in (None, model):
                yield f"tool {tool.get('name')} would use another model"

    def provider_side_egress(self, body: Json) -> Iterator[str]:
        yield from find_unsafe_member(REQUEST, body)

    def accumulate_usage(self, usage: ReportedUsage, event: Json) -> ReportedUsage:
        match event.get("type"):
            case "message_start":
                return _with_counts(usage, object_at(event, "message", "usage"), whole=False)
            case "content_block_start":
                return _with_text(usage, object_at(event, "content_block"))
            case "content_block_delta":
                return _with_text(usage, object_at(event, "delta"))
            case "message_delta":
                return _with_counts(usage, object_at(event, "usage"), whole=True)
            case "message":
                usage = _with_counts(usage, object_at(event, "usage"), whole=True)
                return replace(usage, text_bytes=sum(map(_size, items(event, "content"))))
            case "error":
                return replace(usage, failed=True)
            case _:
                return usage

    def accumulate_ending(self, ending: Ending, event: Json) -> Ending:
        match event.get("type"):
            case "content_block_start":
                return _with_block(ending, object_at(event, "content_block"))
            case "content_block_delta":
                return replace(ending, has_content=ending.has_content or has_text(value_at(event, "delta", "text")))
            case "message_delta":
                return replace(ending, word=text(event, "delta", "stop_reason") or ending.word)
            case "message":
                for block in items(event, "content"):
                    ending = _with_block(ending, block)
                return replace(ending, word=text(event, "stop_reason"))
            case _:
                return ending

    def error(self, status: int, message: str) -> Json:
        return {"type": "error", "error": {"type": ERRORS.get(status, "api_error"), "message": message}}

    def error_event(self, message: str) -> bytes:
        return b"event: error\n" + super().error_event(message)


def _with_block(ending: Ending, block: Json) -> Ending:
    """A text counts if it says anything; thinking is no content, and every other block is, such as a tool's call."""
    kind = text(block, "type")
    counts = has_text(block.get("text")) if kind == "text" else "thinking" not in kind
    return replace(ending, has_content=ending.has_content or counts)


def _size(block: Json) -> int:
    size = text_size(*map(block.get, ("text", "thinking", "partial_json")))
    return size + (len(json.dumps(block["input"])) if block.get("input") else 0)


def _with_text(usage: ReportedUsage, delta: Json) -> ReportedUsage:
    return replace(usage, text_bytes=usage.text_bytes + _size(delta))


def _with_counts(usage: ReportedUsage, counts: Json, *, whole: bool) -> ReportedUsage:
    """Counts are cumulative: a later event replaces an earlier one's, and keeps those that it omits. A compaction is
    billed like the rest, but is only among the `iterations`, not in the totals."""
    if not counts:
        return usage
    before = usage.tokens or Tokens()
    compactions = [entry for entry in items(counts, "iterations") if entry.get("type") == "compaction"]

    def total(name: str, previous: int) -> int:
        if not is_count(counts.get(name)):
            return previous
        return count(counts, name) + sum(count(entry, name) for entry in compactions)

    read = total("cache_read_input_tokens", before.cached_input)
    write = total("cache_creation_input_tokens", before.cache_write)
    return replace(
        usage,
        tokens=Tokens(
            input=total("input_tokens", before.input - before.cached_input - before.cache_write) + read + write,
            cached_input=read,
            cache_write=write,
            output=total("output_tokens", before.output),
            reasoning=count(counts, "output_tokens_details", "thinking_tokens") or before.reasoning,
        ),
        whole=whole,
        long_cache_write=count(counts, "cache_creation", "ephemeral_1h_input_tokens") or usage.long_cache_write,
        searches=count(counts, "server_tool_use", "web_search_requests") or usage.searches,
        invalid=usage.invalid or has_invalid_count(counts),
        terms=price_terms(counts, "service_tier", "speed", "inference_geo") or usage.terms,
    )
