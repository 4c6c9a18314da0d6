"""OpenAI Chat Completions, and other providers' variants. https://platform.openai.com/docs/api-reference/chat"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from types import MappingProxyType

from unmoor.runtime.events import Finish, Tokens
from unmoor.runtime.guard.model.bodies.grammar import HOSTS, find_unsafe_member
from unmoor.runtime.guard.model.bodies.openai_chat import REQUEST
from unmoor.runtime.json_values import Json, count, items, object_at, text

from .ending import Ending, has_text
from .openai import OpenAIFormat, inline_images
from .usage import ReportedUsage, has_invalid_count, price_terms, text_size

REQUEST_USAGE = b'"stream_options":{"include_usage":true},'


class OpenAIChatFormat(OpenAIFormat):
    """Chat completions."""

    posts = (("chat/completions", "generate"),)
    # The last two are DeepSeek's and OpenRouter's: https://api-docs.deepseek.com/api/create-chat-completion,
    # https://openrouter.ai/docs/api-reference/overview
    finishes = MappingProxyType[str, Finish](
        {
            "length": "length",
            "content_filter": "refused",
            "insufficient_system_resource": "broken",
            "error": "broken",
        }
    )

    def max_output(self, body: Json) -> int:
        """Of all `n` choices; a request with both limits counts with the larger one."""
        limit = max(count(body, "max_completion_tokens"), count(body, "max_tokens"))
        return (limit or self.most_output) * max(count(body, "n"), 1)

    def images(self, body: Json) -> Iterator[str]:
        for message in items(body, "messages"):
            yield from inline_images(object_at(block, "image_url").get("url") for block in items(message, "content"))

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

    def accumulate_ending(self, ending: Ending, event: Json) -> Ending:
        for choice in items(event, "choices"):
            said = object_at(choice, "delta") or object_at(choice, "message")
            ending = Ending(
                word=text(choice, "finish_reason") or ending.word,
                has_content=ending.has_content or _says_or_calls(said),
                refuses=ending.refuses or has_text(said.get("refusal")),
            )
        return ending


def _says_or_calls(said: Json) -> bool:
    """Content is a text, or a list of parts with some providers."""
    content = said.get("content")
    if isinstance(content, list):
        return any(has_text(part.get("text")) or part.get("type") != "text" for part in items(said, "content"))
    return has_text(content) or any(said.get(name) for name in ("tool_calls", "function_call", "audio", "images"))


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
        input_audio=min(count(details, "audio_tokens"), sent),
        cached_audio=count(details, "cached_tokens_details", "audio_tokens"),
        output_audio=count(counts, "completion_tokens_details", "audio_tokens"),
        invalid=has_invalid_count(counts),
        whole=_is_last(event),
        terms=price_terms(event, "service_tier") or usage.terms,
    )
