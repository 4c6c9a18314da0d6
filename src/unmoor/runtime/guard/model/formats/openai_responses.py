"""OpenAI Responses. https://platform.openai.com/docs/api-reference/responses"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from unmoor.runtime.events import Tokens
from unmoor.runtime.guard.model.bodies.grammar import find_unsafe_member
from unmoor.runtime.guard.model.bodies.openai_responses import REQUEST
from unmoor.runtime.json_values import Json, count, items, object_at

from .openai import OpenAIFormat
from .usage import ReportedUsage, price_terms, text_size

ENDS = ("response.completed", "response.incomplete", "response.failed")


class OpenAIResponsesFormat(OpenAIFormat):
    """The Responses API."""

    posts = (("responses", "generate"),)

    def provider_side_egress(self, body: Json) -> Iterator[str]:
        yield from find_unsafe_member(REQUEST, body)

    def accumulate_usage(self, usage: ReportedUsage, event: Json) -> ReportedUsage:
        if event.get("object") == "response":
            return _with_response(usage, event)
        kind = event.get("type")
        if kind in ("error", "response.failed"):
            usage = replace(usage, failed=True)
        if kind in ENDS:
            return _with_response(usage, object_at(event, "response"))
        if kind == "response.output_item.done":
            return replace(usage, searches=usage.searches + _is_search(object_at(event, "item")))
        return replace(usage, text_bytes=usage.text_bytes + text_size(event.get("delta")))

    def error_event(self, message: str) -> bytes:
        error = {"type": "error", "code": "insufficient_quota", "message": message, "param": None}
        return f"event: error\ndata: {json.dumps(error)}\n\n".encode()


def _is_search(item: Json) -> bool:
    """Searches are billed one by one; opening a page is not. https://openai.com/api/pricing"""
    return item.get("type") == "web_search_call" and object_at(item, "action").get("type") in (None, "search")


def _with_response(usage: ReportedUsage, response: Json) -> ReportedUsage:
    counts = object_at(response, "usage")
    if not counts:
        return usage
    sent = count(counts, "input_tokens")
    details = object_at(counts, "input_tokens_details")
    return replace(
        usage,
        tokens=Tokens(
            input=sent,
            cached_input=min(count(details, "cached_tokens"), sent),
            cache_write=min(count(details, "cache_write_tokens"), sent),
            output=max(count(counts, "output_tokens"), count(counts, "total_tokens") - sent),
            reasoning=count(counts, "output_tokens_details", "reasoning_tokens"),
        ),
        whole=True,
        searches=max(usage.searches, sum(map(_is_search, items(response, "output")))),
        terms=price_terms(response, "service_tier"),
    )
