"""What each wire format lets through, and what its answers say was used: worked out by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from agents import Clock

from unmoor.runtime.config import Model
from unmoor.runtime.events import Tokens
from unmoor.runtime.guard.model.formats import ReportedUsage, WireFormat, formats_of
from unmoor.runtime.guard.model.formats.openai_chat import add_usage_request
from unmoor.runtime.guard.model.prices import Prices
from unmoor.runtime.guard.model.request_policy import ModelPolicy, authorize
from unmoor.runtime.guard.model.reservation import most_input_tokens, worst_case
from unmoor.runtime.guard.model.usage_meter import UsageMeter, estimate_input_tokens

(ANTHROPIC,), (CHAT, RESPONSES), (GEMINI,) = map(formats_of, ("anthropic", "openai", "google"))


def stream(*events: Any, names: bool = False) -> bytes:
    """These events as a stream, with their type as the event's name where the format has that."""
    lines = [f"event: {event['type']}\n" if names else "" for event in events]
    data = [f"{line}data: {json.dumps(event)}\n\n" for line, event in zip(lines, events, strict=True)]
    return "".join(data).encode()


def metered(wire: WireFormat, data: bytes, *, size: int = 1 << 20, events: bool = True) -> ReportedUsage:
    meter = UsageMeter(wire, events=events)
    for i in range(0, len(data), size):
        assert meter.feed(data[i : i + size]) == data[i : i + size]
    assert meter.end() == b""
    return meter.usage


# Anthropic: input_tokens is what was neither read from nor written to the cache.

ANTHROPIC_STREAM = stream(
    {
        "type": "message_start",
        "message": {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "content": [],
            "usage": {
                "input_tokens": 12,
                "cache_creation_input_tokens": 300,
                "cache_read_input_tokens": 4000,
                "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200},
                "output_tokens": 1,
                "service_tier": "standard",
            },
        },
    },
    {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Hm \u00e4"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "ping"},
    {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "Hello"}},
    {"type": "content_block_start", "index": 2, "content_block": {"type": "tool_use", "name": "Bash", "input": {}}},
    {"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": '{"a":1}'}},
    {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 56}},
    {"type": "message_stop"},
    names=True,
)
ANTHROPIC_SAID = ReportedUsage(
    tokens=Tokens(input=4312, cached_input=4000, cache_write=300, output=56),
    whole=True,
    long_cache_write=200,
    terms=(("service_tier", "standard"),),
    text_bytes=5 + 5 + 7,
)

# Chat: prompt_tokens holds what was cached, completion_tokens what was reasoning.

CHAT_STREAM = (
    stream(
        {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}], "usage": None},
        {"choices": [{"index": 0, "delta": {"reasoning_content": "Hm"}}], "usage": None},
        {"choices": [{"index": 0, "delta": {"content": "Hel"}}], "usage": None},
        {"choices": [{"index": 0, "delta": {"content": "lo"}}], "usage": None},
        {"choices": [{"index": 0, "delta": {"tool_calls": [{"function": {"name": "bash", "arguments": "{}"}}]}}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}], "service_tier": "default"},
        {
            "choices": [],
            "service_tier": "default",
            "usage": {
                "prompt_tokens": 1000,
                "completion_tokens": 70,
                "total_tokens": 1070,
                "prompt_tokens_details": {"cached_tokens": 640, "cache_write_tokens": 128},
                "completion_tokens_details": {"reasoning_tokens": 60},
            },
        },
    )
    + b"data: [DONE]\n\n"
)
CHAT_SAID = ReportedUsage(
    tokens=Tokens(input=1000, cached_input=640, cache_write=128, output=70, reasoning=60),
    whole=True,
    terms=(("service_tier", "default"),),
    text_bytes=2 + 5 + 6,
)

# Responses

RESPONSES_STREAM = stream(
    {"type": "response.created", "response": {"object": "response", "status": "in_progress", "usage": None}},
    {"type": "response.reasoning_summary_text.delta", "delta": "Hm"},
    {"type": "response.output_item.done", "item": {"type": "web_search_call", "action": {"type": "search"}}},
    {"type": "response.output_item.done", "item": {"type": "web_search_call", "action": {"type": "open_page"}}},
    {"type": "response.output_text.delta", "delta": "Hello"},
    {"type": "response.function_call_arguments.delta", "delta": "{}"},
    {
        "type": "response.completed",
        "response": {
            "object": "response",
            "status": "completed",
            "service_tier": "priority",
            "output": [],
            "usage": {
                "input_tokens": 2000,
                "input_tokens_details": {"cached_tokens": 1500, "cache_write_tokens": 100},
                "output_tokens": 90,
                "output_tokens_details": {"reasoning_tokens": 64},
                "total_tokens": 2090,
            },
        },
    },
    names=True,
)
RESPONSES_SAID = ReportedUsage(
    tokens=Tokens(input=2000, cached_input=1500, cache_write=100, output=90, reasoning=64),
    whole=True,
    searches=1,
    terms=(("service_tier", "priority"),),
    text_bytes=2 + 5 + 2,
)

# Gemini: candidatesTokenCount leaves thoughts out; what tools' results took is apart from the prompt.

GEMINI_EVENTS = (
    {
        "candidates": [{"content": {"parts": [{"text": "Hm", "thought": True}]}}],
        "usageMetadata": {"promptTokenCount": 800},
    },
    {
        "candidates": [{"content": {"parts": [{"text": "Hello"}]}}],
        "usageMetadata": {"promptTokenCount": 800, "candidatesTokenCount": 3, "totalTokenCount": 803},
    },
    {
        "candidates": [{"content": {"parts": [{"text": "!"}]}, "finishReason": "STOP"}],
        "usageMetadata": {
            "promptTokenCount": 800,
            "cachedContentTokenCount": 512,
            "toolUsePromptTokenCount": 50,
            "candidatesTokenCount": 20,
            "thoughtsTokenCount": 30,
            "totalTokenCount": 900,
        },
    },
)
GEMINI_SAID = ReportedUsage(
    tokens=Tokens(input=850, cached_input=512, output=50, reasoning=30), whole=True, text_bytes=2 + 5 + 1
)

STREAMS: Sequence[Any] = (
    pytest.param(ANTHROPIC, ANTHROPIC_STREAM, ANTHROPIC_SAID, id="anthropic"),
    pytest.param(CHAT, CHAT_STREAM, CHAT_SAID, id="chat"),
    pytest.param(RESPONSES, RESPONSES_STREAM, RESPONSES_SAID, id="responses"),
    pytest.param(GEMINI, stream(*GEMINI_EVENTS), GEMINI_SAID, id="gemini"),
)


@pytest.mark.parametrize(("wire", "data", "said"), STREAMS)
def test_a_stream_says_what_was_used(wire: WireFormat, data: bytes, said: ReportedUsage):
    assert metered(wire, data) == said


@pytest.mark.parametrize(("wire", "data", "said"), STREAMS)
def test_it_says_the_same_wherever_it_is_cut(wire: WireFormat, data: bytes, said: ReportedUsage):
    for cut in range(len(data)):
        meter = UsageMeter(wire, events=True)
        meter.feed(data[:cut])
        meter.feed(data[cut:])
        assert meter.usage == said
    for size in (1, 2, 3, 7):
        assert metered(wire, data, size=size) == said


@pytest.mark.parametrize(("wire", "data", "said"), STREAMS)
def test_crlf_makes_no_difference(wire: WireFormat, data: bytes, said: ReportedUsage):
    assert metered(wire, data.replace(b"\n", b"\r\n")) == said


@pytest.mark.parametrize(("wire", "data", "said"), STREAMS)
def test_a_stream_that_breaks_off_is_estimated_and_never_less_than_was_said(
    wire: WireFormat, data: bytes, said: ReportedUsage
):
    for cut in range(0, len(data), 11):
        meter = UsageMeter(wire, events=True)
        meter.feed(data[:cut])
        settled, estimated = meter.final_usage(77)
        assert settled.tokens
        assert settled.tokens.input in (77, 0) or not estimated or meter.usage.tokens is not None
        if meter.usage.tokens:
            assert settled.tokens.output >= meter.usage.tokens.output
        assert estimated is not meter.usage.whole


@pytest.mark.parametrize(
    ("wire", "body", "tokens"),
    [
        (
            ANTHROPIC,
            {
                "type": "message",
                "content": [{"type": "text", "text": "Hello"}],
                "usage": {
                    "input_tokens": 5,
                    "output_tokens": 6,
                    "cache_read_input_tokens": 7,
                    "output_tokens_details": {"thinking_tokens": 4},
                },
            },
            Tokens(input=12, cached_input=7, output=6, reasoning=4),
        ),
        (
            CHAT,
            {"choices": [{"message": {"content": "Hi"}}], "usage": {"prompt_tokens": 9, "completion_tokens": 2}},
            Tokens(input=9, output=2),
        ),
        (
            RESPONSES,
            {"object": "response", "output": [], "usage": {"input_tokens": 9, "output_tokens": 2, "total_tokens": 11}},
            Tokens(input=9, output=2),
        ),
        (
            GEMINI,
            {
                "candidates": [{"finishReason": "STOP"}],
                "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 2},
            },
            Tokens(input=9, output=2),
        ),
        (GEMINI, list(GEMINI_EVENTS), GEMINI_SAID.tokens),
    ],
)
def test_an_answer_in_one_piece_says_it_too(wire: WireFormat, body: Any, tokens: Tokens):
    said = metered(wire, json.dumps(body).encode(), size=5, events=False)
    assert (said.tokens, said.whole) == (tokens, True)


def test_a_compaction_is_paid_though_it_is_in_no_total():
    usage = {
        "input_tokens": 100,
        "output_tokens": 10,
        "iterations": [
            {"type": "compaction", "input_tokens": 5000, "output_tokens": 300, "cache_read_input_tokens": 40},
            {"type": "message", "input_tokens": 100, "output_tokens": 10},
        ],
    }
    said = ANTHROPIC.accumulate_usage(
        ReportedUsage(), {"type": "message", "content": [], "usage": {**usage, "cache_read_input_tokens": 0}}
    )
    assert said.tokens == Tokens(input=5140, cached_input=40, output=310)


def test_a_total_above_the_sum_is_what_was_paid():
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 40}
    assert CHAT.accumulate_usage(ReportedUsage(), {"choices": [], "usage": usage}).tokens == Tokens(input=10, output=30)


@pytest.mark.parametrize("elsewhere", [{"prompt_cache_hit_tokens": 6}, {"cached_tokens": 6}])
def test_cached_tokens_are_found_where_other_providers_put_them(elsewhere: dict[str, int]):
    usage = {"prompt_tokens": 10, "completion_tokens": 5, **elsewhere}
    assert CHAT.accumulate_usage(ReportedUsage(), {"choices": [], "usage": usage}).tokens == Tokens(
        input=10, cached_input=6, output=5
    )


def test_usage_that_is_said_with_every_part_is_final_only_with_the_last():
    counted = {"prompt_tokens": 10, "completion_tokens": 5}
    going_on = CHAT.accumulate_usage(
        ReportedUsage(), {"choices": [{"delta": {"content": "x"}, "finish_reason": None}], "usage": counted}
    )
    ended = CHAT.accumulate_usage(going_on, {"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": counted})
    assert (going_on.tokens, going_on.whole, ended.whole) == (Tokens(input=10, output=5), False, True)
    blocked = {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 9}}
    first, last = (GEMINI.accumulate_usage(ReportedUsage(), event) for event in (GEMINI_EVENTS[0], blocked))
    assert (first.tokens, first.whole, last.whole) == (Tokens(input=800), False, True)


def test_usage_within_a_choice_counts():
    event = {"choices": [{"delta": {}, "usage": {"prompt_tokens": 10, "completion_tokens": 5}}]}
    assert CHAT.accumulate_usage(ReportedUsage(), event).tokens == Tokens(input=10, output=5)


@pytest.mark.parametrize("odd", [None, "12", True, -1, float("nan"), 10**12, [1], {"a": 1}])
@pytest.mark.parametrize("wire", [ANTHROPIC, CHAT, RESPONSES, GEMINI])
def test_numbers_that_are_none_count_as_none(wire: WireFormat, odd: Any):
    events = (
        {"type": "message", "usage": {"input_tokens": odd, "output_tokens": odd, "cache_creation": odd}},
        {"choices": [{"delta": odd}], "usage": {"prompt_tokens": odd, "prompt_tokens_details": odd}},
        {"object": "response", "output": odd, "usage": {"input_tokens": odd, "output_tokens_details": odd}},
        {"candidates": [odd], "usageMetadata": {"promptTokenCount": odd, "totalTokenCount": odd}},
    )
    for event in events:
        said = wire.accumulate_usage(ReportedUsage(), event)
        assert said.tokens in (None, Tokens())


@pytest.mark.parametrize(
    "junk",
    [b"data: {\n\n", b"data: []\n\n", b'data: {"a":' + b"[" * 100_000 + b"\n\n", b"\xff\xfe\n\n", b"data: {\xff}\n\n"],
)
@pytest.mark.parametrize("wire", [ANTHROPIC, CHAT, RESPONSES, GEMINI])
def test_junk_says_nothing_and_breaks_nothing(wire: WireFormat, junk: bytes):
    assert metered(wire, junk * 3) == ReportedUsage()


@pytest.mark.parametrize(
    ("wire", "error"),
    [
        (ANTHROPIC, {"type": "error", "error": {"type": "overloaded_error", "message": "x"}}),
        (CHAT, {"error": {"message": "x"}}),
        (RESPONSES, {"type": "response.failed", "response": {"object": "response", "usage": None}}),
        (GEMINI, {"error": {"code": 503}}),
    ],
)
def test_an_answer_that_failed_before_it_began_costs_nothing(wire: WireFormat, error: dict[str, Any]):
    meter = UsageMeter(wire, events=True)
    meter.feed(stream(error))
    settled, estimated = meter.final_usage(1000)
    assert (settled.tokens, estimated) == (Tokens(), True)


def test_what_nobody_counted_is_estimated_from_its_length():
    meter = UsageMeter(CHAT, events=True)
    meter.feed(stream({"choices": [{"delta": {"content": "x" * 401}}]}))
    settled, estimated = meter.final_usage(25)
    assert (settled.tokens, estimated) == (Tokens(input=25, output=101), True)


def test_images_count_by_the_piece_and_not_by_their_length():
    text = json.dumps({"messages": "x" * 396}).encode()
    image = b"A" * 1_000_000
    assert estimate_input_tokens(text) == -(-len(text) // 4)
    assert estimate_input_tokens(text + image) == -(-len(text) // 4) + 1600


# What passes


@pytest.mark.parametrize(
    ("provider", "method", "path", "kind"),
    [
        ("anthropic", "POST", "v1/messages", "generate"),
        ("anthropic", "POST", "v1/messages/count_tokens", "count"),
        ("anthropic", "GET", "v1/models", "list"),
        ("anthropic", "GET", "v1/models/claude-sonnet-4-5", "list"),
        ("openai", "POST", "chat/completions", "generate"),
        ("openai", "POST", "responses", "generate"),
        ("openrouter", "POST", "chat/completions", "generate"),
        ("openrouter", "GET", "models/anthropic/claude-sonnet-4.5", "list"),
        ("openai-compatible", "GET", "models", "list"),
        ("google", "POST", "v1beta/models/gemini-2.5-pro:streamGenerateContent", "generate"),
        ("google", "POST", "models/gemini-2.5-pro:generateContent", "generate"),
        ("google", "POST", "v1alpha/models/gemini-2.5-pro:countTokens", "count"),
        ("google", "GET", "v1beta/models", "list"),
    ],
)
def test_what_is_metered_passes_and_lists_of_models(provider: str, method: str, path: str, kind: str):
    calls = [call for wire in formats_of(provider) if (call := wire.call(method, path))]
    assert calls[0].kind == kind
    assert calls[0].path == path


@pytest.mark.parametrize(
    ("provider", "method", "path"),
    [
        ("anthropic", "GET", "v1/messages"),
        ("anthropic", "POST", "v1/messages/batches"),
        ("anthropic", "POST", "v1/complete"),
        ("anthropic", "POST", "v1/files"),
        ("anthropic", "GET", "v1/files"),
        ("anthropic", "POST", "v1/messages/"),
        ("anthropic", "POST", "v1//messages"),
        ("anthropic", "POST", "v1/../v1/messages"),
        ("anthropic", "POST", "v1/%6dessages"),
        ("anthropic", "GET", "v1/models/../files"),
        ("anthropic", "GET", "v1/organizations/x/api_keys"),
        ("openai", "POST", "completions"),
        ("openai", "POST", "embeddings"),
        ("openai", "GET", "responses"),
        ("openai", "GET", "responses/resp_1"),
        ("openai", "POST", "responses/resp_1/cancel"),
        ("openai", "POST", "responses/compact"),
        ("openai", "POST", "images/generations"),
        ("openai", "DELETE", "models/x"),
        ("openrouter", "GET", "credits"),
        ("openrouter", "GET", "key"),
        ("google", "POST", "v1beta/models/gemini-2.5-pro:batchGenerateContent"),
        ("google", "POST", "v1beta/models/gemini-2.5-pro:embedContent"),
        ("google", "POST", "v1beta/models/gemini-2.5-pro"),
        ("google", "POST", "v1beta/cachedContents"),
        ("google", "POST", "upload/v1beta/files"),
        ("google", "POST", "v1beta/tunedModels/x:generateContent"),
        ("google", "GET", "v1beta/files"),
    ],
)
def test_nothing_else_passes(provider: str, method: str, path: str):
    assert [wire.call(method, path) for wire in formats_of(provider)] == [None] * len(formats_of(provider))


def test_the_token_in_the_query_goes_no_further():
    for wire in (ANTHROPIC, CHAT, RESPONSES):
        assert wire.allowed_query([("beta", "true"), ("key", "t")]) == [("beta", "true")]
    assert GEMINI.allowed_query([("alt", "sse"), ("key", "t"), ("access_token", "t")]) == [("alt", "sse")]


@pytest.mark.parametrize("name", ["fields", "$fields", "$alt", "quotaUser", "upload_protocol", "prettyPrint"])
def test_parameters_that_would_cut_usage_out_of_an_answer_do_not_pass(name: str):
    with pytest.raises(ValueError, match="query parameter"):
        GEMINI.allowed_query([(name, "candidates")])


@pytest.mark.parametrize(
    ("wire", "body", "why"),
    [
        (ANTHROPIC, {"fallbacks": "default"}, ["fallbacks would use another model"]),
        (ANTHROPIC, {"tools": [{"name": "advisor", "model": "big"}]}, ["tool advisor would use another model"]),
        (ANTHROPIC, {"tools": [{"name": "advisor", "model": "m"}, {"name": "Bash"}]}, []),
        (CHAT, {"models": ["m", "big"]}, ["models would use another model"]),
        (CHAT, {"preset": "x"}, ["preset would use another model"]),
        (RESPONSES, {"background": True}, ["a background response never reports its usage"]),
        (RESPONSES, {"background": False, "tools": [{"type": "function"}]}, []),
        (
            RESPONSES,
            {"tools": [{"type": "image_generation", "model": "big"}]},
            ["tool image_generation would use another model"],
        ),
        (GEMINI, {"model": "models/big"}, ["model names another model"]),
        (GEMINI, {"model": "models/m"}, []),
    ],
)
def test_what_would_use_another_model_or_never_say_its_usage_is_objected_to(
    wire: WireFormat, body: Any, why: list[str]
):
    assert list(wire.policy_violations(body, "m")) == why


def test_a_client_that_did_not_ask_for_usage_has_it_asked_for():
    raw = b' {"model": "m",\n "stream": true, "temperature": 1.0}'
    assert add_usage_request(raw, json.loads(raw)) == (
        b' {"stream_options":{"include_usage":true},"model": "m",\n "stream": true, "temperature": 1.0}'
    )
    raw = b'{"stream": true, "stream_options": {"include_usage": false, "x": 1}}'
    assert json.loads(add_usage_request(raw, json.loads(raw)))["stream_options"] == {"include_usage": True, "x": 1}


def test_a_chunk_that_the_client_did_not_ask_for_is_not_passed_on():
    meter = UsageMeter(CHAT, events=True, hide_usage=True)
    passed = b"".join(meter.feed(CHAT_STREAM[i : i + 3]) for i in range(0, len(CHAT_STREAM), 3)) + meter.end()
    assert meter.usage == CHAT_SAID
    hidden = CHAT_STREAM[CHAT_STREAM.rindex(b'data: {"choices": []') : CHAT_STREAM.rindex(b"data: [DONE]")]
    assert passed == CHAT_STREAM.replace(hidden, b"")


@pytest.mark.parametrize(
    ("wire", "error"),
    [
        (ANTHROPIC, {"type": "error", "error": {"type": "billing_error", "message": "no"}}),
        (
            CHAT,
            {"error": {"message": "no", "type": "insufficient_quota", "param": None, "code": "insufficient_quota"}},
        ),
        (
            RESPONSES,
            {"error": {"message": "no", "type": "insufficient_quota", "param": None, "code": "insufficient_quota"}},
        ),
        (GEMINI, {"error": {"code": 402, "message": "no", "status": "FAILED_PRECONDITION"}}),
    ],
)
def test_a_refusal_looks_like_the_providers_own(wire: WireFormat, error: Any):
    assert wire.error(402, "no") == error


# What a request reserves


@pytest.mark.parametrize(
    ("wire", "body", "limit"),
    [
        (ANTHROPIC, {"max_tokens": 8000}, 8000),
        (ANTHROPIC, {"max_tokens": "8000"}, 128_000),
        (CHAT, {}, 128_000),
        (CHAT, {"max_tokens": 10}, 10),
        (CHAT, {"max_completion_tokens": 20, "max_tokens": 10, "n": 3}, 60),
        (CHAT, {"n": 3}, 384_000),
        (RESPONSES, {"max_output_tokens": 7}, 7),
        (RESPONSES, {"max_output_tokens": None}, 128_000),
        (GEMINI, {}, 65_536),
        (GEMINI, {"generationConfig": {"maxOutputTokens": 5, "candidateCount": 2}}, 10),
        (GEMINI, {"generation_config": {"max_output_tokens": 5, "candidate_count": 2}}, 10),
    ],
)
def test_the_most_that_an_answer_may_be(wire: WireFormat, body: Any, limit: int):
    assert wire.max_output(body) == limit


@pytest.mark.parametrize(
    ("provider", "path", "body", "usd"),
    [
        # 1000 tokens of input at 3 bytes each, and 100 of output.
        ("anthropic", "v1/messages", {"max_tokens": 100}, "0.0045"),
        # Written to the cache at 3.75, and for an hour at 6.
        ("anthropic", "v1/messages", {"max_tokens": 100, "cache_control": {}}, "0.00525"),
        ("anthropic", "v1/messages", {"max_tokens": 100, "cache_control": {"ttl": "1h"}}, "0.0075"),
        ("openai", "chat/completions", {"max_tokens": 100}, "0.008"),
        ("openai", "responses", {"max_output_tokens": 100, "service_tier": "priority"}, "0.02"),
        (
            "google",
            "models/gemini-2.5-flash:generateContent",
            {"generationConfig": {"maxOutputTokens": 100}},
            "0.00055",
        ),
        (
            "google",
            "models/gemini-2.5-flash:generateContent",
            {"generationConfig": {"maxOutputTokens": 100}, "x": "audio/wav"},
            "0.00125",
        ),
    ],
)
def test_a_request_reserves_its_dearest_case(provider: str, path: str, body: Any, usd: str):
    name = {"anthropic": "claude-sonnet-4-5", "openai": "gpt-5.5", "google": "gemini-2.5-flash"}[provider]
    raw = json.dumps({**body, "model": name, "pad": ""}).encode()
    padded = raw.replace(b'"pad": ""', b'"pad": "' + b"a" * (3000 - len(raw)) + b'"')
    sent = authorize(ModelPolicy(provider=provider, model=name, web=True), "POST", path, "", padded, "")
    model = Model(provider=provider, name=name, base_url="https://x", api_key="k")
    assert worst_case(sent, Prices(model=model, clock=Clock())).cost == Decimal(usd)


IMAGE = "iVBOR" + "A" * 30_000
IMAGES = [
    (
        "anthropic",
        "v1/messages",
        {"messages": [{"content": [{"type": "image", "source": {"type": "base64", "data": IMAGE}}]}]},
    ),
    (
        "anthropic",
        "v1/messages",
        {
            "messages": [
                {"content": [{"type": "tool_result", "content": [{"type": "image", "source": {"data": IMAGE}}]}]}
            ]
        },
    ),
    (
        "openai",
        "chat/completions",
        {"messages": [{"content": [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{IMAGE}"}}]}]},
    ),
    (
        "openai",
        "responses",
        {"input": [{"content": [{"type": "input_image", "image_url": f"data:image/png;base64,{IMAGE}"}]}]},
    ),
    (
        "google",
        "models/gemini-2.5-flash:generateContent",
        {"contents": [{"parts": [{"inlineData": {"mimeType": "image/png", "data": IMAGE}}]}]},
    ),
]
NOT_IMAGES = [
    ("anthropic", "v1/messages", {"messages": [{"content": [{"type": "tool_use", "input": {"data": IMAGE}}]}]}),
    ("anthropic", "v1/messages", {"messages": [{"content": f'"type": "image", "data": "{IMAGE}"'}]}),
    ("openai", "chat/completions", {"messages": [{"content": f"data:image/png;base64,{IMAGE}"}]}),
    (
        "google",
        "models/gemini-2.5-flash:generateContent",
        {"contents": [{"parts": [{"inlineData": {"mimeType": "application/pdf", "data": IMAGE}}]}]},
    ),
]


@pytest.mark.parametrize(
    ("provider", "path", "body", "tokens"),
    [*((*case, 5000) for case in IMAGES), *((*case, 10_000) for case in NOT_IMAGES)],
)
def test_what_the_provider_reads_as_an_image_reserves_as_one_and_all_else_as_text(
    provider: str, path: str, body: Any, tokens: int
):
    name = {"anthropic": "claude-sonnet-4-5", "openai": "gpt-5.5", "google": "gemini-2.5-flash"}[provider]
    raw = json.dumps({**body, "model": name}).encode()
    sent = authorize(ModelPolicy(provider=provider, model=name, web=True), "POST", path, "", raw, "")
    assert tokens < most_input_tokens(sent.body, sent.images) < tokens + 100


def test_sound_is_read_from_each_format():
    details = [{"modality": "TEXT", "tokenCount": 5}, {"modality": "AUDIO", "tokenCount": 90}]
    gemini = {"promptTokenCount": 95, "promptTokensDetails": details, "candidatesTokensDetails": details}
    said = metered(GEMINI, json.dumps({"usageMetadata": {**gemini, "candidatesTokenCount": 95}}).encode(), events=False)
    assert (said.input_audio, said.output_audio) == (90, 90)
    chat = {"prompt_tokens": 100, "prompt_tokens_details": {"audio_tokens": 80}, "completion_tokens": 20}
    chat |= {"completion_tokens_details": {"audio_tokens": 15}}
    said = metered(CHAT, json.dumps({"usage": chat, "choices": []}).encode(), events=False)
    assert (said.input_audio, said.output_audio) == (80, 15)
