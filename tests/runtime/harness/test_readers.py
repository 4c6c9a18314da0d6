"""What each harness's output means, on lines of the shapes that the programs write."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from jobs import NEW_SESSION, OLD_SESSION, job, of_model

from unmoor.runtime.events import HarnessEvent, Message, ModelUsage, Notice, Tokens, ToolCall, ToolResult
from unmoor.runtime.harness import adapter, names
from unmoor.runtime.harness.protocol import HarnessOutcome, ProcessExit

CLEAN = ProcessExit(code=0, signal=None, stderr="")
# Harnesses whose last word is in what they write; `command` has none but its exit code.
SPEAKING = [name for name in names() if name != "command"]
USAGE = Tokens(input=2400, cached_input=400, output=68)

Line = dict[str, Any]


def read(
    harness: str, *lines: Line | str, end: ProcessExit = CLEAN, **changes: Any
) -> tuple[list[HarnessEvent], HarnessOutcome]:
    """The events of the lines, and the outcome."""
    reader = adapter(harness).reader(job(harness, **changes))
    events = [event for line in lines for event in reader.feed(line if isinstance(line, str) else json.dumps(line))]
    return events, reader.outcome(end)


def claude_result(**changes: Any) -> Line:
    per_model = {"inputTokens": 2000, "cacheReadInputTokens": 400, "cacheCreationInputTokens": 0, "outputTokens": 68}
    return {
        "type": "result",
        "subtype": "success",
        "is_error": False,
        "result": "done",
        "terminal_reason": "completed",
        "session_id": "s-1",
        "modelUsage": {"claude-sonnet-5": {**per_model, "thinkingTokens": 0, "costUSD": 0.007}},
        "usage": {"input_tokens": 1000, "cache_read_input_tokens": 200, "output_tokens": 34},
        **changes,
    }


def claude_says(*blocks: Line, **changes: Any) -> Line:
    message = {"role": "assistant", "model": "claude-sonnet-5", "content": list(blocks)}
    return {"type": "assistant", "message": message, "parent_tool_use_id": None, "session_id": "s-1", **changes}


def pi_says(*blocks: Line, stop: str = "stop", **changes: Any) -> Line:
    usage = {"input": 1000, "output": 34, "cacheRead": 200, "cacheWrite": 0}
    message = {"role": "assistant", "content": list(blocks), "model": "gpt-5.5", "stopReason": stop, "usage": usage}
    return {"type": "message_end", "message": {**message, **changes}}


def goose_says(*blocks: Line, role: str = "assistant", by_model: bool = True, id: str = "m-1") -> Line:
    metadata = {"inference": {"provider": "openai"}} if by_model and role == "assistant" else {}
    return {"type": "message", "message": {"id": id, "role": role, "content": list(blocks), "metadata": metadata}}


def open_code(kind: str, **part: Any) -> Line:
    return {"type": kind, "sessionID": "ses_1", "part": {"type": kind, **part}}


def text(said: str) -> Line:
    return {"type": "text", "text": said}


OPENCODE_TOKENS = {"input": 1000, "output": 27, "reasoning": 7, "cache": {"read": 200, "write": 0}}
GOOSE_COMPLETE = {
    "type": "complete",
    "input_tokens": 2400,
    "cache_read_input_tokens": 400,
    "cache_write_input_tokens": 0,
    "output_tokens": 68,
}
CALL = ToolCall(id="t-1", name="Bash", input='{"command":"ls"}')
SHELL = {"command": "ls"}

SUCCESSES: dict[str, tuple[list[Line], list[HarnessEvent], str]] = {
    "claude-code": (
        [
            {"type": "system", "subtype": "init", "session_id": "s-1", "mcp_servers": []},
            claude_says({"type": "tool_use", "id": "t-1", "name": "Bash", "input": SHELL}),
            {
                "type": "user",
                "message": {"content": [{"type": "tool_result", "tool_use_id": "t-1", "content": "a.txt"}]},
            },
            claude_says({"type": "thinking", "thinking": "hm"}, text("done")),
            claude_result(),
        ],
        [
            CALL,
            ToolResult(id="t-1", output="a.txt", is_error=False),
            Message(text="done"),
            ModelUsage(model="claude-sonnet-5", tokens=USAGE, cost_usd=None),
        ],
        "s-1",
    ),
    "codex": (
        [
            {"type": "thread.started", "thread_id": "th-1"},
            {"type": "turn.started"},
            {"type": "item.started", "item": {"id": "i-0", "type": "command_execution", "command": "ls"}},
            {
                "type": "item.completed",
                "item": {"id": "i-0", "type": "command_execution", "aggregated_output": "a.txt\n", "exit_code": 0},
            },
            {"type": "item.completed", "item": {"id": "i-1", "type": "reasoning", "text": "hm"}},
            {"type": "item.completed", "item": {"id": "i-2", "type": "agent_message", "text": "done"}},
            {
                "type": "turn.completed",
                "usage": {
                    "input_tokens": 2400,
                    "cached_input_tokens": 400,
                    "output_tokens": 68,
                    "reasoning_output_tokens": 14,
                },
            },
        ],
        [
            ToolCall(id="i-0", name="shell", input='{"command":"ls"}'),
            ToolResult(id="i-0", output="a.txt\n", is_error=False),
            Message(text="done"),
            ModelUsage(model="gpt-5.5", tokens=USAGE + Tokens(reasoning=14), cost_usd=None),
        ],
        "th-1@gpt-5.5",
    ),
    "opencode": (
        [
            open_code("step_start"),
            open_code(
                "tool_use",
                tool="bash",
                callID="t-1",
                state={"status": "completed", "input": SHELL, "output": "a.txt\n"},
            ),
            open_code("step_finish", reason="tool-calls", tokens={}),
            open_code("step_start"),
            open_code("text", text="done"),
            open_code("step_finish", reason="stop", tokens=OPENCODE_TOKENS, cost=0.1),
        ],
        [
            ToolCall(id="t-1", name="bash", input='{"command":"ls"}'),
            ToolResult(id="t-1", output="a.txt\n", is_error=False),
            Message(text="done"),
            ModelUsage(
                model="claude-sonnet-5",
                tokens=Tokens(input=1200, cached_input=200, output=34, reasoning=7),
                cost_usd=None,
            ),
        ],
        "ses_1",
    ),
    "pi": (
        [
            {"type": "session", "version": 3, "id": "p-1", "cwd": "/run/work"},
            {"type": "message_end", "message": {"role": "user", "content": [text("Triage")]}},
            pi_says({"type": "toolCall", "id": "t-1", "name": "bash", "arguments": SHELL}, stop="toolUse", usage={}),
            {"type": "tool_execution_start", "toolCallId": "t-1", "toolName": "bash", "args": SHELL},
            {
                "type": "tool_execution_end",
                "toolCallId": "t-1",
                "result": {"content": [text("a.txt\n")]},
                "isError": False,
            },
            pi_says(text("done")),
            {"type": "agent_end", "messages": []},
            {"type": "agent_settled"},
        ],
        [
            ToolCall(id="t-1", name="bash", input='{"command":"ls"}'),
            ToolResult(id="t-1", output="a.txt\n", is_error=False),
            Message(text="done"),
            ModelUsage(model="gpt-5.5", tokens=Tokens(input=1200, cached_input=200, output=34), cost_usd=None),
        ],
        "p-1",
    ),
    "gemini": (
        [
            {"type": "init", "session_id": "g-1", "model": "gemini-2.5-pro"},
            {"type": "message", "role": "user", "content": "Triage"},
            {"type": "tool_use", "tool_name": "run_shell_command", "tool_id": "t-1", "parameters": SHELL},
            {"type": "tool_result", "tool_id": "t-1", "status": "success", "output": "a.txt"},
            {"type": "message", "role": "assistant", "content": "do", "delta": True},
            {"type": "message", "role": "assistant", "content": "ne", "delta": True},
            {
                "type": "result",
                "status": "success",
                "stats": {"total_tokens": 2468, "input_tokens": 2400, "output_tokens": 54, "cached": 400},
            },
        ],
        [
            ToolCall(id="t-1", name="run_shell_command", input='{"command":"ls"}'),
            ToolResult(id="t-1", output="a.txt", is_error=False),
            Message(text="done"),
            ModelUsage(model="gemini-2.5-pro", tokens=USAGE + Tokens(reasoning=14), cost_usd=None),
        ],
        "g-1",
    ),
    "goose": (
        [
            goose_says(
                {
                    "type": "toolRequest",
                    "id": "t-1",
                    "toolCall": {"status": "success", "value": {"name": "shell", "arguments": SHELL}},
                }
            ),
            goose_says(
                {
                    "type": "toolResponse",
                    "id": "t-1",
                    "toolResult": {"status": "success", "value": {"content": [text("a.txt")], "isError": False}},
                },
                role="user",
            ),
            goose_says(text("do"), id="m-2"),
            goose_says(text("ne"), id="m-2"),
            GOOSE_COMPLETE,
        ],
        [
            ToolCall(id="t-1", name="shell", input='{"command":"ls"}'),
            ToolResult(id="t-1", output="a.txt", is_error=False),
            Message(text="done"),
            ModelUsage(model="some-model", tokens=USAGE, cost_usd=None),
        ],
        NEW_SESSION,
    ),
}


@pytest.mark.parametrize("harness", SPEAKING)
def test_a_good_run(harness: str) -> None:
    lines, expected, session = SUCCESSES[harness]
    events, outcome = read(harness, *lines)
    assert events == expected
    assert outcome == HarnessOutcome(status="succeeded", reason="", session=session, answer="done")


@pytest.mark.parametrize("harness", SPEAKING)
@pytest.mark.parametrize(
    "end", [ProcessExit(code=1, signal=None, stderr="boom"), ProcessExit(code=None, signal=15, stderr="")]
)
def test_the_exit_code_makes_nothing_bad_of_what_went_well(harness: str, end: ProcessExit) -> None:
    assert read(harness, *SUCCESSES[harness][0], end=end)[1].status == "succeeded"


@pytest.mark.parametrize("harness", SPEAKING)
def test_an_exit_code_of_zero_makes_nothing_good_of_a_stream_that_ends_too_soon(harness: str) -> None:
    lines = SUCCESSES[harness][0]
    outcome = read(harness, *lines[: len(lines) - (2 if harness == "pi" else 1)])[1]
    program = {"claude-code": "claude"}.get(harness, harness)
    assert outcome.status == "failed"
    assert outcome.reason == f"{program} exited with code 0 without a result"


@pytest.mark.parametrize("harness", SPEAKING)
def test_silence_is_explained_by_the_end_of_standard_error(harness: str) -> None:
    stderr = "starting\n\x1b[91m\x1b[1mError: \x1b[0mSession not found\nuse --list\n\n"
    outcome = read(harness, end=ProcessExit(code=None, signal=9, stderr=stderr))[1]
    program = {"claude-code": "claude"}.get(harness, harness)
    assert outcome.reason == (f"{program} was terminated by signal 9 without a result: Error: Session not found")


FAILURES: list[tuple[str, list[Line], str]] = [
    (
        "claude-code",
        [claude_result(is_error=True, terminal_reason="api_error", result="API Error: 400 no")],
        "claude: api_error: API Error: 400 no",
    ),
    (
        "claude-code",
        [claude_result(subtype="error_max_turns", is_error=True, result=None)],
        "claude: error_max_turns",
    ),
    (
        "claude-code",
        [claude_result(subtype="error_during_execution", is_error=True, result=None, errors=["No conversation found"])],
        "claude: error_during_execution: No conversation found",
    ),
    ("claude-code", [claude_result(subtype="error_max_budget_usd", result=None)], "claude: error_max_budget_usd"),
    ("claude-code", [{"type": "result", "subtype": "success"}], "claude: error"),
    ("codex", [{"type": "turn.failed", "error": {"message": "stream disconnected"}}], "stream disconnected"),
    (
        "codex",
        [{"type": "turn.failed", "error": {"message": '{"error": {"message": "bad thing", "code": "x"}}'}}],
        "bad thing",
    ),
    ("codex", [{"type": "turn.failed"}], "the turn failed"),
    (
        "opencode",
        [{"type": "error", "error": {"name": "APIError", "data": {"message": "no key", "statusCode": 401}}}],
        "APIError: no key",
    ),
    ("opencode", [{"type": "error"}], "error: no reason given"),
    ("opencode", [open_code("step_finish", reason="length")], "the model stopped for length"),
    ("pi", [pi_says(stop="error", errorMessage="429 slow down"), {"type": "agent_settled"}], "429 slow down"),
    ("pi", [pi_says(text("half"), stop="length"), {"type": "agent_settled"}], "the model stopped for length"),
    (
        "pi",
        [pi_says(text("done"), model="gpt-5.5-pro"), {"type": "agent_settled"}],
        "pi does not know gpt-5.5 and used gpt-5.5-pro; write a model name that pi knows",
    ),
    ("gemini", [{"type": "result", "status": "error", "error": {"type": "x", "message": "quota"}}], "quota"),
    (
        "gemini",
        [
            {"type": "error", "severity": "error", "message": "the stream ended"},
            {"type": "result", "status": "error", "stats": {}},
        ],
        "the stream ended",
    ),
    ("gemini", [{"type": "result"}], "no reason given"),
    (
        "goose",
        [goose_says(text("Ran into this error: 400.\n\nPlease retry."), by_model=False), {"type": "complete"}],
        "Ran into this error: 400. Please retry.",
    ),
    (
        "goose",
        [goose_says(text("Network error: refused"), by_model=False), {"type": "complete"}],
        "Network error: refused",
    ),
    (
        "goose",
        [
            goose_says(text("working on it")),
            goose_says(text("I've reached the maximum number of actions"), by_model=False, id="m-2"),
            {"type": "complete"},
        ],
        "I've reached the maximum number of actions",
    ),
    (
        "goose",
        [goose_says({"type": "error", "kind": "authentication", "message": "401"}), {"type": "error", "error": "401"}],
        "401",
    ),
]


@pytest.mark.parametrize(("harness", "lines", "reason"), FAILURES, ids=[f"{f[0]}: {f[2][:30]}" for f in FAILURES])
def test_a_bad_run(harness: str, lines: list[Line], reason: str) -> None:
    outcome = read(harness, *lines)[1]
    assert (outcome.status, outcome.reason) == ("failed", reason)


RECOVERIES: list[tuple[str, list[Line]]] = [
    ("codex", [{"type": "error", "message": "Reconnecting 1/2"}, *SUCCESSES["codex"][0][2:]]),
    ("pi", [pi_says(stop="error", errorMessage="500"), pi_says(text("done")), {"type": "agent_settled"}]),
    ("opencode", [{"type": "error", "error": {"name": "APIError"}}, *SUCCESSES["opencode"][0]]),
    (
        "goose",
        [
            goose_says(text("earlier"), id="m-0"),
            goose_says(text("Context limit reached. Compacting."), by_model=False, id="m-1"),
            goose_says(text("done"), id="m-2"),
            GOOSE_COMPLETE,
        ],
    ),
    ("claude-code", [claude_result(is_error=True), claude_result()]),
]


@pytest.mark.parametrize(("harness", "lines"), RECOVERIES, ids=[r[0] for r in RECOVERIES])
def test_what_went_wrong_before_it_went_well_is_not_the_end(harness: str, lines: list[Line]) -> None:
    outcome = read(harness, *lines)[1]
    assert (outcome.status, outcome.reason, outcome.answer) == ("succeeded", "", "done")


NOTICES: list[tuple[str, Line, Notice]] = [
    (
        "claude-code",
        {"type": "system", "subtype": "api_retry", "error_status": 529, "error": "overloaded"},
        Notice(level="warning", text="the model did not respond (529 overloaded); retrying"),
    ),
    (
        "claude-code",
        {"type": "system", "subtype": "init", "mcp_servers": [{"name": "far", "status": "failed"}]},
        Notice(level="warning", text="MCP server far did not start"),
    ),
    (
        "claude-code",
        {"type": "system", "subtype": "permission_denied", "tool_name": "Bash"},
        Notice(level="warning", text="not permitted: Bash"),
    ),
    (
        "claude-code",
        claude_says(text("x"), message={"model": "<synthetic>", "content": [text("API Error: 401")]}),
        Notice(level="error", text="API Error: 401"),
    ),
    ("codex", {"type": "error", "message": "Reconnecting"}, Notice(level="warning", text="Reconnecting")),
    (
        "codex",
        {"type": "item.completed", "item": {"type": "error", "message": "unknown model"}},
        Notice(level="warning", text="unknown model"),
    ),
    (
        "pi",
        {"type": "auto_retry_start", "errorMessage": "429"},
        Notice(level="warning", text="the model did not respond (429); retrying"),
    ),
    (
        "goose",
        goose_says({"type": "systemNotification", "msg": "Compaction complete"}, by_model=False),
        Notice(level="info", text="Compaction complete"),
    ),
    (
        "gemini",
        {"type": "error", "severity": "warning", "message": "a loop was found"},
        Notice(level="warning", text="a loop was found"),
    ),
]


@pytest.mark.parametrize(("harness", "line", "notice"), NOTICES, ids=[f"{n[0]}: {n[2].text[:25]}" for n in NOTICES])
def test_what_people_should_see_is_a_notice(harness: str, line: Line, notice: Notice) -> None:
    assert read(harness, line)[0] == [notice]


CALLS: list[tuple[str, list[Line], list[HarnessEvent]]] = [
    (
        "claude-code",
        [
            {
                "type": "user",
                "message": {
                    "content": [
                        {"type": "tool_result", "tool_use_id": "t", "content": [text("a"), text("b")], "is_error": True}
                    ]
                },
            }
        ],
        [ToolResult(id="t", output="a\nb", is_error=True)],
    ),
    (
        "codex",
        [
            {
                "type": "item.started",
                "item": {"id": "i", "type": "mcp_tool_call", "server": "far", "tool": "ping", "arguments": {"a": 1}},
            },
            {
                "type": "item.completed",
                "item": {
                    "id": "i",
                    "type": "mcp_tool_call",
                    "result": {"content": [text("pong")]},
                    "status": "completed",
                },
            },
            {
                "type": "item.completed",
                "item": {"id": "j", "type": "mcp_tool_call", "error": {"message": "gone"}, "status": "failed"},
            },
        ],
        [
            ToolCall(id="i", name="far.ping", input='{"a":1}'),
            ToolResult(id="i", output="pong", is_error=False),
            ToolResult(id="j", output="gone", is_error=True),
        ],
    ),
    (
        "codex",
        [
            {
                "type": "item.completed",
                "item": {
                    "id": "i",
                    "type": "file_change",
                    "changes": [{"path": "a", "kind": "add"}],
                    "status": "failed",
                },
            },
            {"type": "item.completed", "item": {"id": "j", "type": "web_search", "query": "news"}},
        ],
        [
            ToolCall(id="i", name="apply_patch", input='{"changes":[{"path":"a","kind":"add"}]}'),
            ToolResult(id="i", output="", is_error=True),
            ToolCall(id="j", name="web_search", input='{"query":"news"}'),
        ],
    ),
    (
        "opencode",
        [open_code("tool_use", tool="read", callID="t", state={"status": "error", "input": {}, "error": "no file"})],
        [ToolCall(id="t", name="read", input="{}"), ToolResult(id="t", output="no file", is_error=True)],
    ),
    (
        "gemini",
        [{"type": "tool_result", "tool_id": "t", "status": "error", "error": {"message": "denied"}}],
        [ToolResult(id="t", output="denied", is_error=True)],
    ),
    (
        "goose",
        [
            goose_says(
                {"type": "toolResponse", "id": "t", "toolResult": {"status": "error", "error": "no tool"}}, role="user"
            )
        ],
        [ToolResult(id="t", output="no tool", is_error=True)],
    ),
]


@pytest.mark.parametrize(("harness", "lines", "events"), CALLS, ids=[c[0] for c in CALLS])
def test_calls_and_their_results(harness: str, lines: list[Line], events: list[HarnessEvent]) -> None:
    assert read(harness, *lines)[0] == events


def test_a_subagent_s_words_are_told_and_are_not_the_answer() -> None:
    events, outcome = read(
        "claude-code",
        claude_says(text("the answer")),
        claude_says(text("from below"), parent_tool_use_id="t-9"),
        claude_result(result=""),
    )
    assert events[:2] == [Message(text="the answer"), Message(text="from below")]
    assert outcome.answer == "the answer"


@pytest.mark.parametrize("harness", ["codex", "goose"])
def test_what_is_counted_from_the_session_s_beginning_is_not_told_of_a_resumed_run(harness: str) -> None:
    events = read(harness, *SUCCESSES[harness][0], session=OLD_SESSION)[0]
    assert not [event for event in events if isinstance(event, ModelUsage)]


def test_claude_code_s_sum_is_of_this_run_where_a_session_is_resumed() -> None:
    events = read("claude-code", claude_result(), session=OLD_SESSION)[0]
    tokens = Tokens(input=1200, cached_input=200, output=34)
    assert events == [ModelUsage(model="claude-sonnet-5", tokens=tokens, cost_usd=None)]


def test_codex_says_that_a_conversation_begins_anew_with_a_model_that_cannot_read_it() -> None:
    model = of_model("openai", "gpt-6-sol")
    events, outcome = read("codex", *SUCCESSES["codex"][0], session="th-0@gpt-5.5", model=model)
    said = "gpt-6-sol cannot read the other model's conversation; a new conversation begins"
    assert events[0] == Notice(level="warning", text=said)
    assert outcome.session == "th-1@gpt-6-sol"
    assert [event for event in events if isinstance(event, ModelUsage)]


def test_goose_keeps_the_session_that_it_was_told_to_resume() -> None:
    assert read("goose", GOOSE_COMPLETE, session=OLD_SESSION)[1].session == OLD_SESSION


@pytest.mark.parametrize("harness", SPEAKING)
@pytest.mark.parametrize("line", ["", "   ", "\n"])
def test_an_empty_line_is_nothing(harness: str, line: str) -> None:
    assert read(harness, line)[0] == []


@pytest.mark.parametrize("harness", SPEAKING)
@pytest.mark.parametrize("line", ["Warning: slow disk", '{"type": "result"', "[1, 2]", '"text"', "null", "[" * 5000])
def test_a_line_that_is_no_object_is_for_people_to_see(harness: str, line: str) -> None:
    assert read(harness, line)[0] == [Notice(level="info", text=line[:2000])]


@pytest.mark.parametrize("harness", SPEAKING)
@pytest.mark.parametrize("line", [{}, {"type": "news"}, {"type": None}, {"type": ["result"]}, {"type": {"a": 1}}])
def test_an_event_that_is_not_known_is_nothing(harness: str, line: Line) -> None:
    assert read(harness, line)[0] == []


@pytest.mark.parametrize("harness", SPEAKING)
def test_half_a_surrogate_pair_does_no_harm(harness: str) -> None:
    lines = json.dumps(SUCCESSES[harness][0]).replace("done", "\\ud83d").replace("a.txt", "\\udc00")
    for event in read(harness, *json.loads(lines))[0]:
        repr(event).encode("utf-8")


WRONG: list[Any] = [None, True, -1, 3.5, float("nan"), float("inf"), "", "text", [], [None], [[]], {}, {"type": 7}]


@pytest.mark.parametrize("harness", SPEAKING)
def test_members_that_are_missing_or_of_another_kind_never_raise(harness: str) -> None:
    """Every member of every line, at every depth, once left out and once replaced by each wrong value."""
    lines = list(SUCCESSES[harness][0])
    lines += [line for h, failing, _ in FAILURES if h == harness for line in failing]
    lines += [line for h, line, _ in NOTICES if h == harness]
    for line in lines:
        for broken in _broken(line):
            read(harness, json.dumps(broken), json.dumps(line), json.dumps(broken))


@pytest.mark.parametrize("harness", names())
def test_noise_never_raises(harness: str) -> None:
    noise = random.Random(7)
    reader = adapter(harness).reader(job(harness))
    for _ in range(300):
        line = "".join(chr(noise.randrange(0xD800)) for _ in range(noise.randrange(40)))
        list(reader.feed(line))
    assert reader.outcome(ProcessExit(code=1, signal=None, stderr="")).status == "failed"


def _broken(value: Any) -> list[Any]:
    """The value with each of its parts left out, or replaced by something that should not stand there."""
    found: list[Any] = list(WRONG)
    if isinstance(value, dict):
        for key in value:
            rest = {k: v for k, v in value.items() if k != key}
            found += [rest, *({**rest, key: other} for other in _broken(value[key]))]
    if isinstance(value, list):
        for i in range(len(value)):
            found += [[*value[:i], other, *value[i + 1 :]] for other in _broken(value[i])]
    return found


def test_what_a_command_of_one_s_own_prints_is_what_it_says() -> None:
    events, outcome = read("command", "one\n", "  ", '{"two": 2}')
    assert events == [Message(text="one"), Message(text='{"two": 2}')]
    assert outcome == HarnessOutcome(status="succeeded", reason="", session=NEW_SESSION, answer='one\n{"two": 2}')


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (
            ProcessExit(code=3, signal=None, stderr="trace\nValueError: no"),
            "agent exited with code 3: ValueError: no",
        ),
        (ProcessExit(code=None, signal=15, stderr=""), "agent was terminated by signal 15"),
    ],
)
def test_a_command_of_one_s_own_is_judged_by_its_exit_code(end: ProcessExit, reason: str) -> None:
    outcome = read("command", "one", end=end)[1]
    assert (outcome.status, outcome.reason, outcome.answer) == ("failed", reason, "one")


def test_of_a_long_answer_the_end_is_kept() -> None:
    outcome = read("command", *(f"line {i}" for i in range(9000)))[1]
    assert 63_000 < len(outcome.answer) <= 64_000
    assert outcome.answer.endswith("line 8999")


def test_a_reason_is_one_line_that_can_be_read() -> None:
    said = "no\n\n  really\t" + "x" * 5000
    reason = read("codex", {"type": "turn.failed", "error": {"message": said}})[1].reason
    assert reason.startswith("no really xxx")
    assert len(reason) == 4000
