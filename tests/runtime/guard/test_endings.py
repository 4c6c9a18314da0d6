"""How each format says that an answer is none: cut off, refused, filtered, empty, broken; in streams and whole answers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from agents import agent, ask, opened, run
from model_server import Break, Ends, ErrorInStream, Refuse, Shell, Text, Turn, model_server
from test_formats import ANTHROPIC, CHAT, GEMINI, RESPONSES, stream
from test_model import WIRES, every_wire

from unmoor.runtime.events import GuardEvent, ModelAnswer, Notice
from unmoor.runtime.guard.model.formats import WireFormat
from unmoor.runtime.guard.model.usage_meter import UsageMeter

pytestmark = pytest.mark.usefixtures("route")
WORDS = {
    "anthropic": ("max_tokens", "refusal", "end_turn"),
    "chat": ("length", "content_filter", "stop"),
    "responses": ("max_output_tokens", "content_filter", "completed"),
    "gemini": ("MAX_TOKENS", "SAFETY", "STOP"),
}


def answered(wire: str, turn: Turn, *, streams: bool) -> tuple[list[ModelAnswer], list[GuardEvent]]:
    """How the guard says that this answer ended, and what else it tells."""
    told: list[GuardEvent] = []
    answers: list[ModelAnswer] = []
    provider, root, path, body, _ = WIRES[wire]
    if wire != "gemini":
        tool = {"name": "bash"} if wire != "chat" else {"function": {"name": "bash"}}
        typed = tool if wire == "anthropic" else {"type": "function", **tool}
        body = {**body, "stream": streams, "tools": [typed]}
    elif not streams:
        path = path.replace("streamGenerateContent?alt=sse", "generateContent")
    if wire == "gemini":
        body = {**body, "tools": [{"functionDeclarations": [{"name": "bash"}]}]}

    async def main(url: str) -> None:
        async with opened(agent(provider, base_url=url + root), told, answers=answers) as port:
            await ask(port, path, body)

    with model_server(turn) as server:
        run(main(server.url))
    return answers, told


@every_wire
@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize("how", ["length", "refused", "empty"])
def test_an_answer_that_is_none_is_told_and_noticed(wire: str, how: Any, streams: bool):
    answers, told = answered(wire, Ends(how), streams=streams)
    word = WORDS[wire][["length", "refused", "empty"].index(how)]
    assert answers == [ModelAnswer(finish=how, detail=word)]
    text = {"length": "was cut off at its length limit", "refused": "was refused or filtered", "empty": "is empty"}[how]
    assert [event for event in told if isinstance(event, Notice)] == [
        Notice(level="warning", text=f"the model's answer {text} ({word})")
    ]


@every_wire
@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize("turn", [Text("all of it"), Shell("ls")])
def test_texts_and_calls_are_complete_answers(wire: str, turn: Turn, streams: bool):
    answers, told = answered(wire, turn, streams=streams)
    assert [answer.finish for answer in answers] == ["complete"]
    assert not [event for event in told if isinstance(event, Notice)]


@every_wire
@pytest.mark.parametrize(
    ("turn", "finish", "detail"),
    [
        (Refuse(500), "failed", "the provider responded 500"),
        (Break("nothing"), "failed", "it broke the connection"),
        (Break("half"), "broken", "it broke the connection"),
        (Ends("unsaid"), "broken", "the provider gave no reason for its end"),
        (ErrorInStream(), "failed", "the provider reported an error in its response"),
    ],
)
def test_a_failure_is_told_once_with_its_reason(wire: str, turn: Turn, finish: Any, detail: str):
    answers, _ = answered(wire, turn, streams=True)
    assert answers == [ModelAnswer(finish=finish, detail=detail)]


def test_what_the_guard_refuses_is_a_failure_too_but_for_a_cap():
    answers: list[ModelAnswer] = []

    async def main(url: str) -> None:
        async with opened(agent(base_url=url, run_usd="0.001"), [], answers=answers) as port:
            await ask(port, "v1/messages", {"model": "another"})
            for _ in range(2):
                await ask(port, "v1/messages", WIRES["anthropic"][3])

    with model_server(Text("x")) as server:
        run(main(server.url))
    reason = "the guard responded 403: this agent may only use claude-sonnet-4-5; the request names another"
    assert answers == [ModelAnswer(finish="failed", detail=reason), ModelAnswer(finish="complete", detail="end_turn")]


def ends(wire: WireFormat, *events: Any, whole: bool = False, done: bool = False) -> ModelAnswer:
    meter = UsageMeter(wire, events=not whole)
    meter.feed(json.dumps(events[0]).encode() if whole else stream(*events) + (b"data: [DONE]\n\n" if done else b""))
    meter.end()
    return meter.answer()


def of_chat(**choice: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, **choice}]}


def of_responses(output: list[Any], **response: Any) -> dict[str, Any]:
    return {"object": "response", "status": "completed", "output": output, **response}


THOUGHT = {"type": "thinking", "thinking": "Hm"}
REFUSAL = {"type": "message", "content": [{"type": "refusal", "refusal": "I cannot"}]}


@pytest.mark.parametrize(
    ("wire", "answer", "finish"),
    [
        (ANTHROPIC, {"type": "message", "content": [THOUGHT], "stop_reason": "end_turn"}, "empty"),
        (
            ANTHROPIC,
            {"type": "message", "content": [{"type": "text", "text": " \n"}], "stop_reason": "end_turn"},
            "empty",
        ),
        (
            ANTHROPIC,
            {"type": "message", "content": [{"type": "tool_use", "input": {}}], "stop_reason": "tool_use"},
            "complete",
        ),
        (ANTHROPIC, {"type": "message", "content": [], "stop_reason": "model_context_window_exceeded"}, "length"),
        (ANTHROPIC, {"type": "message", "content": [], "stop_reason": "pause_turn"}, "broken"),
        (
            ANTHROPIC,
            {"type": "message", "content": [{"type": "text", "text": "x"}], "stop_reason": "new_word"},
            "complete",
        ),
        (CHAT, of_chat(message={"content": None, "refusal": "I cannot"}, finish_reason="stop"), "refused"),
        (CHAT, of_chat(message={"content": None, "reasoning": "Hm"}, finish_reason="stop"), "empty"),
        (CHAT, of_chat(message={"content": [{"type": "text", "text": "x"}]}, finish_reason="stop"), "complete"),
        (CHAT, of_chat(message={"tool_calls": [{}]}, finish_reason="tool_calls"), "complete"),
        (CHAT, of_chat(message={"content": "x"}, finish_reason="insufficient_system_resource"), "broken"),
        (CHAT, of_chat(message={"content": "x"}), "broken"),
        (RESPONSES, of_responses([REFUSAL]), "refused"),
        (RESPONSES, of_responses([{"type": "reasoning"}]), "empty"),
        (RESPONSES, of_responses([{"type": "function_call"}]), "complete"),
        (RESPONSES, of_responses([], status="cancelled"), "broken"),
        (GEMINI, {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}, "refused"),
        (GEMINI, {"candidates": [{"finishReason": "MALFORMED_FUNCTION_CALL"}]}, "broken"),
        (GEMINI, {"candidates": [{"finishReason": "RECITATION"}]}, "refused"),
        (
            GEMINI,
            {"candidates": [{"content": {"parts": [{"text": "Hm", "thought": True}]}, "finishReason": "STOP"}]},
            "empty",
        ),
        (
            GEMINI,
            {"candidates": [{"content": {"parts": [{"functionCall": {"name": "f"}}]}, "finishReason": "STOP"}]},
            "complete",
        ),
    ],
)
def test_each_way_to_end(wire: WireFormat, answer: Any, finish: str):
    assert ends(wire, answer, whole=True).finish == finish


def test_a_stream_of_chat_that_ends_in_order_needs_no_reason_and_one_that_just_stops_does():
    said = of_chat(delta={"content": "x"})
    assert ends(CHAT, said, done=True) == ModelAnswer(finish="complete", detail="[DONE]")
    assert ends(CHAT, said).finish == "broken"
    assert ends(CHAT, of_chat(delta={"role": "assistant"}), done=True).finish == "empty"


def test_a_stream_whose_last_event_is_missing_is_broken():
    begun = {"type": "response.output_text.delta", "delta": "Hel"}
    assert ends(RESPONSES, begun).finish == "broken"
    assert ends(ANTHROPIC, {"type": "content_block_delta", "delta": {"text": "Hel"}}).finish == "broken"
    assert ends(GEMINI, {"candidates": [{"content": {"parts": [{"text": "Hel"}]}}]}).finish == "broken"
