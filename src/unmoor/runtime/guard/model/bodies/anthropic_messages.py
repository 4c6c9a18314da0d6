"""Requests of Anthropic's Messages API. https://platform.claude.com/docs/en/api/messages"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from .grammar import (
    DATA,
    FREE,
    NO_ACCOUNT,
    NO_HOSTS,
    NO_TOOL,
    NOT_KNOWN,
    BodyRule,
    KindRule,
    ListRule,
    ObjectRule,
    Place,
    Visit,
    members,
)

# Tools that the harness runs, or that only choose among its tools; the date of a version follows.
# https://platform.claude.com/docs/en/agents-and-tools/tool-use/overview
TOOL_SEARCHES = ("tool_search_tool_regex", "tool_search_tool_bm25")
CLIENT_TOOLS = ("custom", "bash", "text_editor", "computer", "memory", *TOOL_SEARCHES)
WEB_TOOLS = ("web_search", "web_fetch", "mcp_toolset", "mcp")
PROVIDER_TOOLS = ("code_execution", "advisor")
VERSION = re.compile(r"_\d{8}$")

BLOCKS: dict[str, BodyRule] = {}
CONTENT = ListRule(KindRule(BLOCKS), text=True)
SOURCE = KindRule(
    {
        "base64": ObjectRule({"data": DATA, **members("type", "media_type")}),
        "text": ObjectRule(members("type", "media_type", "data")),
        "content": ObjectRule({"content": CONTENT, **members("type")}),
        "url": NO_HOSTS,
        "file": NO_ACCOUNT,
    }
)


def _block(*free: str, **others: BodyRule) -> ObjectRule:
    return ObjectRule({**members("type", "cache_control", *free), **others})


BLOCKS.update(
    text=_block("text", "citations"),
    image=_block("transforms", source=SOURCE),
    document=_block("title", "context", "citations", source=SOURCE),
    # Its source is a label for citations, which nobody opens.
    search_result=_block("source", "title", "citations", content=CONTENT),
    thinking=_block("thinking", "signature"),
    redacted_thinking=_block("data"),
    tool_use=_block("id", "name", "input", "caller"),
    tool_result=_block("tool_use_id", "is_error", content=CONTENT),
    tool_reference=_block("tool_name"),
    compaction=_block("content", "encrypted_content"),
    # The search among the harness's own tools.
    server_tool_use=_block("id", "name", "input", "caller"),
    tool_search_tool_result=_block("tool_use_id", "content"),
    container_upload=NO_ACCOUNT,
)


class AnthropicTool:
    """A tool: the harness's own, or one of the provider's by its type without the version."""

    def inner(self, value: Any, place: Place) -> Iterable[Visit]:
        kind = value.get("type") if isinstance(value, dict) else None
        name = VERSION.sub("", kind) if isinstance(kind, str) else "custom" if kind is None else ""
        rule = NO_HOSTS if name in WEB_TOOLS else NO_TOOL if name in PROVIDER_TOOLS else NOT_KNOWN
        named = (place, f" of type {kind}")
        return [(CLIENT_TOOL, value, place) if name in CLIENT_TOOLS else (rule, value, named)]


CLIENT_TOOL = ObjectRule(
    members(
        *("type", "name", "description", "input_schema", "input_examples", "cache_control", "strict", "defer_loading"),
        *("allowed_callers", "eager_input_streaming", "display_width_px", "display_height_px", "display_number"),
        *("enable_zoom", "max_characters"),
    )
)
MESSAGE = ObjectRule({"content": CONTENT, "role": FREE, "cache_control": FREE})
REQUEST = ObjectRule(
    {
        "messages": ListRule(MESSAGE),
        "system": CONTENT,
        "tools": ListRule(AnthropicTool()),
        "mcp_servers": NO_HOSTS,
        "container": NO_ACCOUNT,
        **members(
            *("model", "max_tokens", "metadata", "stop_sequences", "stream", "temperature", "thinking", "tool_choice"),
            *("top_k", "top_p", "cache_control", "context_management", "service_tier", "inference_geo", "fallbacks"),
            *("output_config", "output_format", "speed", "anthropic_version", "anthropic_beta", "betas", "diagnostics"),
        ),
    },
    others=NOT_KNOWN,
)
