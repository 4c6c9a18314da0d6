"""OpenAI Responses. https://platform.openai.com/docs/api-reference/responses"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from unmoor.runtime.events import Tokens

from .openai import OpenAIFormat, remote, web_tools
from .usage import Json, ReportedUsage, items, number, part, price_terms, text_size

ENDS = ("response.completed", "response.incomplete", "response.failed")


class OpenAIResponsesFormat(OpenAIFormat):
    """The Responses API."""

    path = "responses"

    def provider_side_egress(self, body: Json) -> Iterator[str]:
        yield from web_tools(body)
        for item in items(body, "input"):
            for block in (item, *items(item, "content"), *items(item, "output")):
                if remote((block.get("image_url"), block.get("file_url"))):
                    yield f"{block.get('type')} by its URL"

    def accumulate_usage(self, said: ReportedUsage, event: Json) -> ReportedUsage:
        if event.get("object") == "response":
            return _whole(said, event)
        kind = event.get("type")
        if kind in ("error", "response.failed"):
            said = replace(said, failed=True)
        if kind in ENDS:
            return _whole(said, part(event, "response"))
        if kind == "response.output_item.done":
            return replace(said, searches=said.searches + _is_search(part(event, "item")))
        return replace(said, text_bytes=said.text_bytes + text_size(event.get("delta")))

    def error_event(self, message: str) -> bytes:
        error = {"type": "error", "code": "insufficient_quota", "message": message, "param": None}
        return f"event: error\ndata: {json.dumps(error)}\n\n".encode()


def _is_search(item: Json) -> bool:
    """Searches are paid for each; opening a page is not. https://openai.com/api/pricing"""
    return item.get("type") == "web_search_call" and part(item, "action").get("type") in (None, "search")


def _whole(said: ReportedUsage, response: Json) -> ReportedUsage:
    usage = part(response, "usage")
    if not usage:
        return said
    sent, got = number(usage, "input_tokens"), number(usage, "output_tokens")
    details = part(usage, "input_tokens_details")
    return replace(
        said,
        tokens=Tokens(
            input=sent,
            cached_input=min(number(details, "cached_tokens"), sent),
            cache_write=min(number(details, "cache_write_tokens"), sent),
            output=max(got, number(usage, "total_tokens") - sent),
            reasoning=number(usage, "output_tokens_details", "reasoning_tokens"),
        ),
        whole=True,
        searches=max(said.searches, sum(map(_is_search, items(response, "output")))),
        terms=price_terms(response, "service_tier"),
    )
