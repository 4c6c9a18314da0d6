"""Gemini's generateContent. https://ai.google.dev/api/generate-content"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import unquote

from unmoor.runtime.events import Tokens

from .protocol import Call, Kind, Pairs
from .usage import Json, ReportedUsage, items, number, part, price_terms, text_size

VERSION = r"(?:(?:v1|v1beta|v1alpha)/)?"
GENERATE = re.compile(rf"{VERSION}models/(?P<model>[^/:?]+):(?P<method>[A-Za-z]+)")
MODELS = re.compile(rf"{VERSION}models(/[A-Za-z0-9._~-]+)?")
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
# Of the parameters that every Google API takes some cut the answer down, usage and all, or turn it into another form:
# https://docs.cloud.google.com/apis/docs/system-parameters
ANSWER_FORMS = ("json", "sse")
PAGING = ("pageSize", "pageToken")
KEYS = ("key", "access_token", "oauth_token")
# Tools that run at the provider and reach the web from there.
WEB_TOOLS = (
    "urlContext",
    "url_context",
    "googleSearch",
    "google_search",
    "googleSearchRetrieval",
    "google_search_retrieval",
    "googleMaps",
    "google_maps",
    "mcpServers",
    "mcp_servers",
)


class GeminiFormat:
    """The Gemini API."""

    passes = "POST models/NAME:generateContent, :streamGenerateContent, :countTokens and GET models"

    def call(self, method: str, path: str) -> Call | None:
        match = GENERATE.fullmatch(path)
        if method == "POST" and match and match["method"] in METHODS:
            return Call(kind=METHODS[match["method"]], path=path, model=unquote(match["model"]))
        return Call(kind="list", path=path) if method == "GET" and MODELS.fullmatch(path) else None

    def allowed_query(self, pairs: Pairs) -> Pairs:
        kept = [(name, value) for name, value in pairs if name not in KEYS]
        for name, value in kept:
            if name not in PAGING and not (name == "alt" and value in ANSWER_FORMS):
                raise ValueError(f"query parameter {name}={value}")
        return kept

    def key(self, key: str) -> tuple[str, str]:
        return "x-goog-api-key", key

    def streams(self, body: Json, call: Call) -> bool:
        return call.path.endswith(":streamGenerateContent")

    def policy_violations(self, body: Json, model: str) -> Iterator[str]:
        if body.get("model") not in (None, model, f"models/{model}"):
            yield "model names another model"

    def provider_side_egress(self, body: Json) -> Iterator[str]:
        for tool in items(body, "tools"):
            for name in WEB_TOOLS:
                if name in tool:
                    yield f"tool {name}"
        for content in (*items(body, "contents"), part(body, "systemInstruction"), part(body, "system_instruction")):
            for piece in items(content, "parts"):
                file = part(piece, "fileData") or part(piece, "file_data")
                uri = file.get("fileUri") or file.get("file_uri") or ""
                if uri and not str(uri).startswith("https://generativelanguage.googleapis.com/"):
                    yield "fileData by its URL"

    def accumulate_usage(self, said: ReportedUsage, event: Json) -> ReportedUsage:
        if event.get("error"):
            return replace(said, failed=True)
        for candidate in items(event, "candidates"):
            size = sum(_size(piece) for piece in items(part(candidate, "content"), "parts"))
            queries = part(candidate, "groundingMetadata").get("webSearchQueries")
            searches = len(queries) if isinstance(queries, list) else 0
            said = replace(said, text_bytes=said.text_bytes + size, searches=max(said.searches, searches))
        if usage := part(event, "usageMetadata"):
            said = _used(said, usage)
        return replace(said, whole=said.whole or (said.tokens is not None and _is_last(event)))

    def error(self, status: int, message: str) -> Json:
        return {"error": {"code": status, "message": message, "status": STATUSES.get(status, "INTERNAL")}}

    def error_event(self, message: str) -> bytes:
        return f"data: {json.dumps(self.error(402, message))}\n\n".encode()


def _is_last(event: Json) -> bool:
    """Usage is said with every part of a stream; this one is the last."""
    return "promptFeedback" in event or any("finishReason" in candidate for candidate in items(event, "candidates"))


def _size(piece: Json) -> int:
    call = part(piece, "functionCall")
    return text_size(piece.get("text")) + (len(json.dumps(call)) if call else 0)


def _used(said: ReportedUsage, usage: Json) -> ReportedUsage:
    sent = number(usage, "promptTokenCount") + number(usage, "toolUsePromptTokenCount")
    thought = number(usage, "thoughtsTokenCount")
    return replace(
        said,
        tokens=Tokens(
            input=sent,
            cached_input=min(number(usage, "cachedContentTokenCount"), sent),
            output=max(number(usage, "candidatesTokenCount") + thought, number(usage, "totalTokenCount") - sent),
            reasoning=thought,
        ),
        terms=price_terms(usage, "serviceTier") and (("service_tier", str(usage["serviceTier"]).lower()),),
    )
