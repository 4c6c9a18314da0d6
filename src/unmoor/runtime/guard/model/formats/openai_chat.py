"""OpenAI Chat Completions, and what others make of it. https://platform.openai.com/docs/api-reference/chat"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from unmoor.runtime.events import Tokens

from .openai import OpenAIFormat, remote, web_tools
from .usage import Json, ReportedUsage, items, number, part, price_terms, text_size

# Where DeepSeek and Moonshot say how much was read from the cache.
ELSEWHERE = ("prompt_cache_hit_tokens", "cached_tokens")
ASK = b'"stream_options":{"include_usage":true},'


class OpenAIChatFormat(OpenAIFormat):
    """Chat completions."""

    path = "chat/completions"

    def provider_side_egress(self, body: Json) -> Iterator[str]:
        for name in ("web_search_options", "plugins"):
            if body.get(name):
                yield name
        if str(body.get("model", "")).endswith(":online"):
            yield "model :online"
        yield from web_tools(body)
        for message in items(body, "messages"):
            for block in items(message, "content"):
                if remote((part(block, "image_url").get("url"), part(block, "video_url").get("url"))):
                    yield f"{block.get('type')} by its URL"

    def accumulate_usage(self, said: ReportedUsage, event: Json) -> ReportedUsage:
        if event.get("error"):
            return replace(said, failed=True)
        for choice in items(event, "choices"):
            delta = part(choice, "delta") or part(choice, "message")
            said = replace(said, text_bytes=said.text_bytes + _size(delta))
            # Moonshot puts it here: https://platform.moonshot.ai/docs/api/chat
            if isinstance(choice.get("usage"), dict):
                said = _used(said, event, choice["usage"])
        return _used(said, event, event["usage"]) if isinstance(event.get("usage"), dict) else said

    def error_event(self, message: str) -> bytes:
        return f"data: {json.dumps(self.error(402, message))}\n\n".encode()


def requests_usage(body: Json) -> bool:
    """Whether the client itself wants its stream to end with what was used."""
    return part(body, "stream_options").get("include_usage") is True


def add_usage_request(raw: bytes, body: Json) -> bytes:
    """The same request, asking for it; but for that its bytes stay as they are where that can be."""
    if "stream_options" not in body:
        start = raw.index(b"{") + 1
        return raw[:start] + ASK + raw[start:]
    options = {**part(body, "stream_options"), "include_usage": True}
    return json.dumps({**body, "stream_options": options}).encode()


def only_usage(event: Json) -> bool:
    """Whether this is the chunk that comes because usage was asked for, and says nothing else."""
    return event.get("choices") == [] and isinstance(event.get("usage"), dict)


def _size(delta: Json) -> int:
    calls = [part(call, "function") for call in items(delta, "tool_calls")]
    return text_size(
        delta.get("content"), delta.get("reasoning_content"), delta.get("reasoning"), delta.get("refusal")
    ) + sum(text_size(call.get("name"), call.get("arguments")) for call in calls)


def _is_last(event: Json) -> bool:
    """Some say with every chunk what was used so far; this one is the last."""
    choices = items(event, "choices")
    return not choices or any(choice.get("finish_reason") or "message" in choice for choice in choices)


def _used(said: ReportedUsage, event: Json, usage: Json) -> ReportedUsage:
    """Some count reasoning apart from the completion, so that the total is more than the sum: the total is paid."""
    sent, got = number(usage, "prompt_tokens"), number(usage, "completion_tokens")
    details = part(usage, "prompt_tokens_details")
    cached = (
        number(details, "cached_tokens") or number(usage, "prompt_cache_hit_tokens") or number(usage, "cached_tokens")
    )
    return replace(
        said,
        tokens=Tokens(
            input=sent,
            cached_input=min(cached, sent),
            cache_write=min(number(details, "cache_write_tokens"), sent),
            output=max(got, number(usage, "total_tokens") - sent),
            reasoning=number(usage, "completion_tokens_details", "reasoning_tokens"),
        ),
        whole=_is_last(event),
        terms=price_terms(event, "service_tier") or said.terms,
    )
