"""OpenAI Chat Completions, and other providers' variants. https://platform.openai.com/docs/api-reference/chat"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from unmoor.runtime.events import Tokens
from unmoor.runtime.guard.model.bodies.grammar import HOSTS, find_unsafe_member
from unmoor.runtime.guard.model.bodies.openai_chat import REQUEST
from unmoor.runtime.json_values import Json, count, items, object_at

from .openai import OpenAIFormat
from .usage import ReportedUsage, price_terms, text_size

REQUEST_USAGE = b'"stream_options":{"include_usage":true},'


class OpenAIChatFormat(OpenAIFormat):
    """Chat completions."""

    posts = (("chat/completions", "generate"),)

    def provider_side_egress(self, body: Json) -> Iterator[str]:
        if str(body.get("model", "")).endswith(":online"):
            yield f"model :online: {HOSTS}"
        yield from find_unsafe_member(REQUEST, body)

    def accumulate_usage(self, usage: ReportedUsage, event: Json) -> ReportedUsage:
        if event.get("error"):
            return replace(usage, failed=True)
        for choice in items(event, "choices"):
            delta = object_at(choice, "delta") or object_at(choice, "message")
            usage = replace(usage, text_bytes=usage.text_bytes + _size(delta))
            # Moonshot reports it here: https://platform.moonshot.ai/docs/api/chat
            if isinstance(choice.get("usage"), dict):
                usage = _with_counts(usage, event, choice["usage"])
        return _with_counts(usage, event, event["usage"]) if isinstance(event.get("usage"), dict) else usage


def requests_usage(body: Json) -> bool:
    """Whether the client itself requests a final chunk with the usage."""
    return object_at(body, "stream_options").get("include_usage") is True


def add_usage_request(raw: bytes, body: Json) -> bytes:
    """The request with usage requested; otherwise unchanged, byte for byte where possible."""
    if "stream_options" not in body:
        start = raw.index(b"{") + 1
        return raw[:start] + REQUEST_USAGE + raw[start:]
    options = {**object_at(body, "stream_options"), "include_usage": True}
    return json.dumps({**body, "stream_options": options}).encode()


def only_usage(event: Json) -> bool:
    """Whether this is the chunk that only reports the requested usage."""
    return event.get("choices") == [] and isinstance(event.get("usage"), dict)


def _size(delta: Json) -> int:
    calls = [object_at(call, "function") for call in items(delta, "tool_calls")]
    texts = map(delta.get, ("content", "reasoning_content", "reasoning", "refusal"))
    return text_size(*texts) + sum(text_size(call.get("name"), call.get("arguments")) for call in calls)


def _is_last(event: Json) -> bool:
    """Some providers report the usage so far in every chunk; this one is the last."""
    choices = items(event, "choices")
    return not choices or any(choice.get("finish_reason") or "message" in choice for choice in choices)


def _with_counts(usage: ReportedUsage, event: Json, counts: Json) -> ReportedUsage:
    """Some count reasoning apart from the completion, so that the total is more than the sum: the total is billed."""
    sent, received = count(counts, "prompt_tokens"), count(counts, "completion_tokens")
    details = object_at(counts, "prompt_tokens_details")
    # DeepSeek and Moonshot report cache reads under other names.
    cached = (
        count(details, "cached_tokens") or count(counts, "prompt_cache_hit_tokens") or count(counts, "cached_tokens")
    )
    return replace(
        usage,
        tokens=Tokens(
            input=sent,
            cached_input=min(cached, sent),
            cache_write=min(count(details, "cache_write_tokens"), sent),
            output=max(received, count(counts, "total_tokens") - sent),
            reasoning=count(counts, "completion_tokens_details", "reasoning_tokens"),
        ),
        whole=_is_last(event),
        terms=price_terms(event, "service_tier") or usage.terms,
    )
