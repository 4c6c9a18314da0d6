"""Codex: https://developers.openai.com/codex/config-reference and https://developers.openai.com/codex/noninteractive."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import tomli_w

from unmoor.runtime.config import McpServer
from unmoor.runtime.events import HarnessEvent, Message, Notice, ToolCall, ToolResult

from .json_lines_reader import JsonLinesReader
from .json_values import Json, as_text, decode_object, items, join_text, object_at, text, tokens, value_at
from .launch_files import PATIENCE_S, RETRIES, TOKEN_VARIABLE, environment, instructions, program, skills
from .protocol import Command, FileToWrite, LaunchSpec

# An MCP server that npx fetches first takes longer than the 10 s that it is given by default.
_MCP_START_S = 60
# Tried with each pair of the models that this version knows.
_GENERATIONS = {"gpt-5.5": "5.5", "gpt-5.6": "6", "gpt-6": "6"}
# Plugins and apps are fetched from the provider; the guard reads requests as they are; who retries for ever never ends.
_FEATURES_OFF = ("plugins", "apps", "enable_request_compression", "unbounded_connection_retries")


class Codex:
    name = "codex"
    session_folders = (".codex/sessions",)

    def command(self, job: LaunchSpec) -> Command:
        return Command(
            argv=(*program(job, "codex"), *_arguments(job)),
            environment={
                **environment(job),
                "CODEX_HOME": str(job.home / ".codex"),
                TOKEN_VARIABLE: job.guarded.token,
            },
            stdin=job.prompt.encode(),
            files=tuple(_files(job)),
        )

    def reader(self, job: LaunchSpec) -> CodexReader:
        return CodexReader(job)


ADAPTER = Codex()


def _arguments(job: LaunchSpec) -> Iterator[str]:
    """Options stand before `resume`, which takes fewer of them."""
    yield from ("exec", "--json", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox")
    yield from ("--cd", str(job.work), *job.args)
    if thread := _thread(job):
        yield from ("resume", thread)
    yield "-"


def _thread(job: LaunchSpec) -> str:
    """The thread that goes on; empty for one that the model of now cannot go on with.

    A session's id is Codex's thread and the model that it was with. Codex has the model of before summarise a thread
    whose summaries the one of now cannot read, and the guard lets no model through but the one of now.
    """
    assert job.model
    thread, _, model = job.session.partition("@")
    before, now = _generation(model), _generation(job.model.name)
    return "" if before and now and before != now else thread


def _generation(model: str) -> str:
    """Models of one generation read each other's summaries; empty for one of which nothing is known."""
    return next((kind for prefix, kind in _GENERATIONS.items() if model.startswith(prefix)), "")


def _files(job: LaunchSpec) -> Iterator[FileToWrite]:
    config = tomli_w.dumps(_config(job)).encode()
    yield FileToWrite(path=job.home / ".codex/config.toml", content=config)
    yield from instructions(job, ".codex/AGENTS.md")
    yield from skills(job, ".codex/skills")


def _config(job: LaunchSpec) -> dict[str, Any]:
    assert job.model
    return {
        "model": job.model.name,
        "review_model": job.model.name,
        "model_provider": "unmoor",
        "web_search": "live" if job.web else "disabled",
        "check_for_update_on_startup": False,
        "analytics": {"enabled": False},
        "feedback": {"enabled": False},
        "features": dict.fromkeys(_FEATURES_OFF, False),
        "model_providers": {
            "unmoor": {
                "name": "unmoor",
                "base_url": job.guarded.model_url,
                "env_key": TOKEN_VARIABLE,
                "wire_api": "responses",
                "request_max_retries": RETRIES,
                "stream_max_retries": RETRIES,
                "stream_idle_timeout_ms": PATIENCE_S * 1000,
            }
        },
        "mcp_servers": {server.name: _mcp_server(server) for server in job.mcp_servers},
    }


def _mcp_server(server: McpServer) -> dict[str, Any]:
    if server.url:
        return {"url": server.url, "http_headers": dict(server.headers), "startup_timeout_sec": _MCP_START_S}
    command, *arguments = server.command
    return {"command": command, "args": arguments, "env": dict(server.env), "startup_timeout_sec": _MCP_START_S}


class CodexReader(JsonLinesReader):
    """Reads `exec --json`; the last word is turn.completed or turn.failed."""

    program = "codex"

    def __init__(self, job: LaunchSpec) -> None:
        super().__init__(job)
        self.resumed = bool(_thread(job))
        self.begun_anew = bool(job.session) and not self.resumed

    def read(self, value: Json) -> Iterable[HarnessEvent]:
        match text(value, "type"):
            case "thread.started":
                return self._started(text(value, "thread_id"))
            case "turn.started":
                self.settled, self.failure = False, ""
            case "turn.completed":
                return self._completed(value)
            case "turn.failed":
                self.failure = _why(text(value, "error", "message"))
            case "error":
                return (Notice(level="warning", text=text(value, "message")),)
            case "item.started":
                return _call(object_at(value, "item"))
            case "item.completed":
                return self._item(object_at(value, "item"))
        return ()

    def _started(self, thread: str) -> Iterator[HarnessEvent]:
        self.session = f"{thread}@{self.model}" if thread else self.session
        if self.begun_anew:
            text = f"what was said to another model cannot be read by {self.model}; the conversation begins anew"
            yield Notice(level="warning", text=text)

    def _completed(self, value: Json) -> Iterable[HarnessEvent]:
        self.settled = True
        if self.resumed:  # it counts from the session's beginning, not from this run's
            return ()
        used = tokens(
            value_at(value, "usage"),
            input="input_tokens",
            cached_input="cached_input_tokens",
            cache_write="cache_write_input_tokens",
            output="output_tokens",
            reasoning="reasoning_output_tokens",
        )
        return self.usage_events(used)

    def _item(self, item: Json) -> Iterator[HarnessEvent]:
        match text(item, "type"):
            case "agent_message":
                self.answer = text(item, "text") or self.answer
                yield Message(text=text(item, "text"))
            case "error":
                yield Notice(level="warning", text=text(item, "message"))
            case "command_execution":
                output = text(item, "aggregated_output")
                yield ToolResult(id=text(item, "id"), output=output, is_error=value_at(item, "exit_code") != 0)
            case "mcp_tool_call":
                said = join_text(value_at(item, "result", "content")) or text(item, "error", "message")
                yield ToolResult(id=text(item, "id"), output=said, is_error=text(item, "status") == "failed")
            case "file_change":
                yield from _call(item)
                yield ToolResult(id=text(item, "id"), output="", is_error=text(item, "status") == "failed")
            case "web_search":
                yield from _call(item)


def _why(said: str) -> str:
    """The provider's own message where all that is said is the body that it came in."""
    body = decode_object(said) or {}
    return text(body, "error", "message") or said or "the turn failed"


def _call(item: Json) -> Iterator[HarnessEvent]:
    """The call that an item is; nothing of one that is none."""
    match text(item, "type"):
        case "command_execution":
            yield ToolCall(id=text(item, "id"), name="shell", input=as_text({"command": text(item, "command")}))
        case "mcp_tool_call":
            name = f"{text(item, 'server')}.{text(item, 'tool')}"
            yield ToolCall(id=text(item, "id"), name=name, input=as_text(value_at(item, "arguments")))
        case "file_change":
            yield ToolCall(id=text(item, "id"), name="apply_patch", input=as_text({"changes": items(item, "changes")}))
        case "web_search":
            yield ToolCall(id=text(item, "id"), name="web_search", input=as_text({"query": text(item, "query")}))
