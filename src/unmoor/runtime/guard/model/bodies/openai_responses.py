"""Requests of OpenAI's Responses API. https://platform.openai.com/docs/api-reference/responses/create"""

from __future__ import annotations

from .grammar import (
    DATA,
    FREE,
    NO_ACCOUNT,
    NO_HOSTS,
    NOT_KNOWN,
    URL,
    BodyRule,
    KindRule,
    ListRule,
    ObjectRule,
    members,
)
from .openai_tools import ENVIRONMENT, TOOL_LIST


def _part(*free: str, **others: BodyRule) -> ObjectRule:
    return ObjectRule({**members("type", *free), **others})


AUDIO = ObjectRule({"data": DATA, "format": FREE})
IMAGE = _part("detail", image_url=URL, file_id=NO_ACCOUNT)
PARTS: dict[str, BodyRule] = {
    **{kind: _part("text") for kind in ("input_text", "text", "summary_text", "reasoning_text")},
    "output_text": _part("text", "logprobs"),
    "refusal": _part("refusal"),
    "encrypted_content": _part("encrypted_content"),
    "input_image": IMAGE,
    "computer_screenshot": IMAGE,
    "input_audio": _part(input_audio=AUDIO),
    "input_file": _part("filename", "detail", file_data=DATA, file_url=URL, file_id=NO_ACCOUNT),
}
CONTENT = ListRule(KindRule(PARTS), text=True)


def _item(*free: str, **others: BodyRule) -> ObjectRule:
    common = members("type", "id", "status", "call_id", "created_by", "caller")
    return ObjectRule({**common, **members(*free), **others})


ITEMS: dict[str, BodyRule] = {
    "message": _item("role", "phase", "end_turn", "author", "recipient", content=CONTENT),
    "agent_message": _item("author", "recipient", content=CONTENT),
    "function_call": _item("name", "namespace", "arguments"),
    "function_call_output": _item("name", output=CONTENT),
    "custom_tool_call": _item("name", "namespace", "input"),
    "custom_tool_call_output": _item("name", output=CONTENT),
    "reasoning": _item("summary", "encrypted_content", content=CONTENT),
    "local_shell_call": _item("action"),
    "local_shell_call_output": _item("output"),
    "shell_call": _item("action", environment=ENVIRONMENT),
    "shell_call_output": _item("output", "max_output_length"),
    "apply_patch_call": _item("operation"),
    "apply_patch_call_output": _item("output"),
    "computer_call": _item("action", "actions", "pending_safety_checks"),
    "computer_call_output": _item("acknowledged_safety_checks", output=ListRule(KindRule(PARTS))),
    "tool_search_call": _item("execution", "arguments"),
    "tool_search_output": _item("execution", tools=TOOL_LIST),
    "additional_tools": _item("role", tools=TOOL_LIST),
    "compaction": _item("encrypted_content"),
    "compaction_trigger": _item(),
    "context_compaction": _item("encrypted_content"),
    "ghost_snapshot": _item("ghost_commit"),
    "item_reference": NO_ACCOUNT,
}
REQUEST = ObjectRule(
    {
        "input": ListRule(KindRule(ITEMS, default="message"), text=True),
        "instructions": ListRule(KindRule(ITEMS, default="message"), text=True),
        "tools": TOOL_LIST,
        "previous_response_id": NO_ACCOUNT,
        "conversation": NO_ACCOUNT,
        "prompt": NO_ACCOUNT,
        "plugins": NO_HOSTS,
        **members(
            *("model", "models", "stream", "stream_options", "store", "include", "reasoning", "text", "truncation"),
            *("temperature", "top_p", "top_logprobs", "max_output_tokens", "max_tool_calls", "metadata", "user"),
            *("tool_choice", "parallel_tool_calls", "service_tier", "safety_identifier", "prompt_cache_key"),
            *("prompt_cache_retention", "prompt_cache_options", "background", "context_management", "client_metadata"),
            *("provider", "session_id", "fallbacks", "preset", "thinking", "enable_thinking", "seed", "moderation"),
        ),
    },
    others=NOT_KNOWN,
)
