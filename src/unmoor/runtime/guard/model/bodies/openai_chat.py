"""Requests of OpenAI's Chat Completions, and other providers' variants.

https://platform.openai.com/docs/api-reference/chat/create, https://openrouter.ai/docs/api-reference/parameters,
https://docs.vllm.ai/en/stable/serving/openai_compatible_server.html
"""

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
from .openai_tools import TOOL_LIST


def _part(*free: str, **others: BodyRule) -> ObjectRule:
    return ObjectRule({**members("type", "cache_control", *free), **others})


AUDIO = ObjectRule({"data": DATA, "format": FREE})
FILE = ObjectRule({"file_data": DATA, "file_id": NO_ACCOUNT, "filename": FREE})
PARTS: dict[str, BodyRule] = {
    "text": _part("text"),
    "refusal": _part("refusal"),
    "thinking": _part("thinking", "closed", "signature"),
    "image_url": _part("detail", image_url=URL),
    "video_url": _part(video_url=URL),
    "audio_url": _part(audio_url=URL),
    "document_url": _part("document_name", document_url=URL),
    "input_audio": _part(input_audio=AUDIO),
    "file": _part(file=FILE),
}
CONTENT = ListRule(KindRule(PARTS), text=True)
MESSAGE = ObjectRule(
    {
        "content": CONTENT,
        "images": CONTENT,
        "audio": NO_ACCOUNT,
        **members(
            *("role", "name", "tool_calls", "tool_call_id", "function_call", "refusal", "reasoning"),
            *("reasoning_content", "reasoning_details", "reasoning_text", "reasoning_opaque", "cache_control"),
            *("prefix", "partial"),
        ),
    }
)
PREDICTION = ObjectRule({"content": CONTENT, "type": FREE})
REQUEST = ObjectRule(
    {
        "messages": ListRule(MESSAGE),
        "tools": TOOL_LIST,
        "prediction": PREDICTION,
        "web_search_options": NO_HOSTS,
        "search_parameters": NO_HOSTS,
        "enable_search": NO_HOSTS,
        "plugins": NO_HOSTS,
        **members(
            *("model", "models", "stream", "stream_options", "temperature", "top_p", "top_k", "min_p", "top_a", "n"),
            *("max_tokens", "max_completion_tokens", "stop", "presence_penalty", "frequency_penalty", "logit_bias"),
            *("logprobs", "top_logprobs", "user", "seed", "tool_choice", "parallel_tool_calls", "functions"),
            *("function_call", "response_format", "reasoning_effort", "reasoning", "include_reasoning", "verbosity"),
            *("modalities", "audio", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key"),
            *("prompt_cache_retention", "prompt_cache_options", "repetition_penalty", "length_penalty", "typical_p"),
            *("thinking", "enable_thinking", "thinking_budget", "preserve_thinking", "clear_thinking", "think"),
            *("chat_template_kwargs", "usage", "transforms", "route", "provider", "session_id", "cache_control"),
            *("do_sample", "tool_stream", "request_id", "safe_prompt", "random_seed", "prompt_mode", "fallbacks"),
            *("reasoning_split", "reasoning_format", "reasoning_history", "disable_reasoning", "structured_outputs"),
            *("guided_json", "guided_regex", "guided_choice", "guided_grammar", "ignore_eos", "min_tokens", "preset"),
            *("skip_special_tokens", "num_ctx", "keep_alive", "cache_prompt", "id_slot", "best_of", "echo", "options"),
        ),
    },
    others=NOT_KNOWN,
)
