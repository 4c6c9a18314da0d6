"""OpenAI Responses. https://platform.openai.com/docs/api-reference/responses"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from types import MappingProxyType

from unmoor.runtime.events import Finish, Tokens
from unmoor.runtime.guard.model.bodies.grammar import find_unsafe_member
from unmoor.runtime.guard.model.bodies.openai_responses import REQUEST
from unmoor.runtime.json_values import Json, count, items, object_at, text

from .ending import Ending, has_text
from .openai import OpenAIFormat, inline_images
from .usage import ReportedUsage, has_invalid_count, price_terms, text_size

ENDS = ("response.completed", "response.incomplete", "response.failed")


class OpenAIResponsesFormat(OpenAIFormat):
    """The Responses API."""

    posts = (("responses", "generate"),)
    # The reasons of an incomplete response, and the status of another one.
    finishes = MappingProxyType[str, Finish](
        {
            "max_output_tokens": "length",
            "content_filter": "refused",
            "incomplete": "broken",
            "cancelled": "broken",
            "in_progress": "broken",
        }
    )

    def max_output(self, body: Json) -> int:
        return count(body, "max_output_tokens") or self.most_output

    def images(self, body: Json) -> Iterator[str]:
        for item in items(body, "input"):
            blocks = (*items(item, "content"), *items(item, "output"))
            yield from inline_images(b.get("image_url") for b in blocks if b.get("type") == "input_image")

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

    def accumulate_ending(self, ending: Ending, event: Json) -> Ending:
        kind = event.get("type")
        if event.get("object") == "response" or kind in ENDS:
            response = event if event.get("object") == "response" else object_at(event, "response")
            for item in items(response, "output"):
                ending = _with_item(ending, item)
            reason = text(response, "incomplete_details", "reason")
            return replace(ending, word=reason or text(response, "status") or str(kind).removeprefix("response."))
        return _with_item(ending, object_at(event, "item")) if kind == "response.output_item.done" else ending

    def error_event(self, message: str) -> bytes:
        error = {"type": "error", "code": "insufficient_quota", "message": message, "param": None}
        return f"event: error\ndata: {json.dumps(error)}\n\n".encode()


def _with_item(ending: Ending, item: Json) -> Ending:
    """Reasoning is no content; a message counts by its parts, and every other item counts, such as a tool's call."""
    kind = text(item, "type")
    if kind != "message":
        return replace(ending, has_content=ending.has_content or kind not in ("", "reasoning"))
    parts = items(item, "content")
    return replace(
        ending,
        has_content=ending.has_content or any(has_text(part.get("text")) for part in parts),
        refuses=ending.refuses or any(part.get("type") == "refusal" for part in parts),
    )


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
        input_audio=min(count(details, "audio_tokens"), sent),
        output_audio=count(counts, "output_tokens_details", "audio_tokens"),
        invalid=has_invalid_count(counts),
        whole=True,
        searches=max(usage.searches, sum(map(_is_search, items(response, "output")))),
        terms=price_terms(response, "service_tier"),
    )
