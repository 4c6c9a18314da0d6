"""Gemini's generateContent. https://ai.google.dev/api/generate-content"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from unmoor.runtime.events import Finish, Tokens
from unmoor.runtime.guard.model.bodies.gemini import REQUEST
from unmoor.runtime.guard.model.bodies.grammar import find_unsafe_member
from unmoor.runtime.json_values import Json, count, items, object_at, text

from .ending import Ending, has_text
from .protocol import Call, Kind, Pairs, WireFormat
from .usage import ReportedUsage, has_invalid_count, price_terms, text_size

VERSION = r"(?:(?:v1|v1beta|v1alpha)/)?"
GENERATE = re.compile(rf"{VERSION}models/(?P<model>[A-Za-z0-9._~@-]+):(?P<method>[A-Za-z]+)")
METHODS: dict[str, Kind] = {"generateContent": "generate", "streamGenerateContent": "generate", "countTokens": "count"}
STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    402: "FAILED_PRECONDITION",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    413: "INVALID_ARGUMENT",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
# Some parameters that every Google API accepts remove the usage from the response, or change the response's form:
# https://docs.cloud.google.com/apis/docs/system-parameters
RESPONSE_FORMS = ("json", "sse")
PAGING = ("pageSize", "pageToken")
KEYS = ("key", "access_token", "oauth_token")


# https://ai.google.dev/api/generate-content#FinishReason
REFUSED = (
    "SAFETY",
    "RECITATION",
    "LANGUAGE",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION",
)
BROKEN = (
    "FINISH_REASON_UNSPECIFIED",
    "OTHER",
    "MALFORMED_FUNCTION_CALL",
    "UNEXPECTED_TOOL_CALL",
    "TOO_MANY_TOOL_CALLS",
    "MISSING_THOUGHT_SIGNATURE",
    "MALFORMED_RESPONSE",
    "IMAGE_OTHER",
    "NO_IMAGE",
)
FINISHES: Mapping[str, Finish] = {
    "MAX_TOKENS": "length",
    **dict.fromkeys(REFUSED, "refused"),
    **dict.fromkeys(BROKEN, "broken"),
}
# A part with only these says nothing.
SILENT = {"text", "thought", "thoughtSignature"}


class GeminiFormat(WireFormat):
    """The Gemini API."""

    passes = "POST models/NAME:generateContent, :streamGenerateContent, :countTokens and GET models"
    models = re.compile(rf"{VERSION}models(/[A-Za-z0-9._~-]+)?")
    # https://ai.google.dev/gemini-api/docs/models
    most_output = 65_536
    finishes = FINISHES

    def max_output(self, body: Json) -> int:
        """Of all candidates. The API accepts each name in snake_case too."""
        configs = (object_at(body, "generationConfig"), object_at(body, "generation_config"))
        limits = [count(c, name) for c in configs for name in ("maxOutputTokens", "max_output_tokens")]
        candidates = [count(c, name) for c in configs for name in ("candidateCount", "candidate_count")]
        return (max(limits) or self.most_output) * max(*candidates, 1)

    def images(self, body: Json) -> Iterator[str]:
        for content in items(body, "contents"):
            for part in items(content, "parts"):
                inline = object_at(part, "inlineData") or object_at(part, "inline_data")
                kind, data = str(inline.get("mimeType") or inline.get("mime_type")), inline.get("data")
                if kind.startswith("image/") and isinstance(data, str):
                    yield data

    def requested_terms(self, body: Json) -> tuple[tuple[str, str], ...]:
        tiers = price_terms(body, "serviceTier") or price_terms(body, "service_tier")
        return tuple(("service_tier", tier.lower()) for _, tier in tiers)

    def call(self, method: str, path: str) -> Call | None:
        match = GENERATE.fullmatch(path)
        if method == "POST" and match and match["method"] in METHODS:
            return Call(kind=METHODS[match["method"]], path=path, model=match["model"])
        return super().call(method, path)

    def allowed_query(self, pairs: Pairs) -> Pairs:
        allowed = [(name, value) for name, value in pairs if name not in KEYS]
        for name, value in allowed:
            if name not in PAGING and not (name == "alt" and value in RESPONSE_FORMS):
                raise ValueError(f"query parameter {name}={value}")
        return allowed

    def key(self, key: str) -> tuple[str, str]:
        return "x-goog-api-key", key

    def streams(self, body: Json, call: Call) -> bool:
        return call.path.endswith(":streamGenerateContent")

    def policy_violations(self, body: Json, model: str) -> Iterator[str]:
        inner = (object_at(body, "generateContentRequest"), object_at(body, "generate_content_request"))
        if any(named.get("model") not in (None, model, f"models/{model}") for named in (body, *inner)):
            yield "model names another model"

    def provider_side_egress(self, body: Json) -> Iterator[str]:
        yield from find_unsafe_member(REQUEST, body)

    def accumulate_usage(self, usage: ReportedUsage, event: Json) -> ReportedUsage:
        if event.get("error"):
            return replace(usage, failed=True)
        for candidate in items(event, "candidates"):
            size = sum(map(_size, items(candidate, "content", "parts")))
            queries = object_at(candidate, "groundingMetadata").get("webSearchQueries")
            searches = len(queries) if isinstance(queries, list) else 0
            usage = replace(usage, text_bytes=usage.text_bytes + size, searches=max(usage.searches, searches))
        if counts := object_at(event, "usageMetadata"):
            usage = _with_counts(usage, counts)
        return replace(usage, whole=usage.whole or (usage.tokens is not None and _is_last(event)))

    def accumulate_ending(self, ending: Ending, event: Json) -> Ending:
        if reason := text(event, "promptFeedback", "blockReason"):
            ending = replace(ending, word=f"blockReason {reason}", refuses=True)
        for candidate in items(event, "candidates"):
            parts = items(candidate, "content", "parts")
            ending = replace(
                ending,
                word=text(candidate, "finishReason") or ending.word,
                has_content=ending.has_content or any(map(_says_or_calls, parts)),
            )
        return ending

    def error(self, status: int, message: str) -> Json:
        return {"error": {"code": status, "message": message, "status": STATUSES.get(status, "INTERNAL")}}


def _is_last(event: Json) -> bool:
    """Every part of a stream reports usage; this one is the last."""
    return "promptFeedback" in event or any("finishReason" in candidate for candidate in items(event, "candidates"))


def _says_or_calls(part: Json) -> bool:
    return bool(part.keys() - SILENT) or (part.get("thought") is not True and has_text(part.get("text")))


def _size(part: Json) -> int:
    call = object_at(part, "functionCall")
    return text_size(part.get("text")) + (len(json.dumps(call)) if call else 0)


def _with_counts(usage: ReportedUsage, counts: Json) -> ReportedUsage:
    sent = count(counts, "promptTokenCount") + count(counts, "toolUsePromptTokenCount")
    reasoning = count(counts, "thoughtsTokenCount")
    return replace(
        usage,
        tokens=Tokens(
            input=sent,
            cached_input=min(count(counts, "cachedContentTokenCount"), sent),
            output=max(count(counts, "candidatesTokenCount") + reasoning, count(counts, "totalTokenCount") - sent),
            reasoning=reasoning,
        ),
        input_audio=min(_audio(counts, "promptTokensDetails") + _audio(counts, "toolUsePromptTokensDetails"), sent),
        cached_audio=_audio(counts, "cacheTokensDetails"),
        output_audio=_audio(counts, "candidatesTokensDetails"),
        invalid=has_invalid_count(counts),
        terms=price_terms(counts, "serviceTier") and (("service_tier", str(counts["serviceTier"]).lower()),),
    )


def _audio(counts: Json, details: str) -> int:
    """The tokens of sound in a list of counts by modality."""
    return sum(count(entry, "tokenCount") for entry in items(counts, details) if entry.get("modality") == "AUDIO")
