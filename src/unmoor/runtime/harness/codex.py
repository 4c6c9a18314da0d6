"""Codex: https://developers.openai.com/codex/config-reference and https://developers.openai.com/codex/noninteractive."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import tomli_w

from unmoor.runtime.config import McpServer
from unmoor.runtime.events import HarnessEvent, Message, Notice, ToolCall, ToolResult
from unmoor.runtime.json_values import Json, as_text, decode_object, items, join_text, object_at, text, value_at

from .json_lines_reader import JsonLinesReader, read_tokens
from .launch_files import PATIENCE_S, RETRIES, TOKEN_VARIABLE, instructions, launch_command, skills
from .protocol import Adapter, Command, FileToWrite, LaunchSpec

# Its default of 10 s is too short for an MCP server that npx installs first.
_MCP_START_S = 60
# Tested with each pair of the models that this version knows.
_GENERATIONS = {"gpt-5.5": "5.5", "gpt-5.6": "6", "gpt-6": "6"}
# Plugins and apps come from the provider; the guard reads uncompressed requests; unbounded retries never end.
_FEATURES_OFF = ("plugins", "apps", "enable_request_compression", "unbounded_connection_retries")


def command(launch: LaunchSpec) -> Command:
    """How it is started."""
    variables = {"CODEX_HOME": str(launch.home / ".codex"), TOKEN_VARIABLE: launch.guard.token}
    return launch_command(launch, "codex", _arguments(launch), variables=variables, files=_files(launch))


def _arguments(launch: LaunchSpec) -> Iterator[str]:
    """Options come before `resume`, which accepts fewer of them."""
    yield from ("exec", "--json", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox")
    yield from ("--cd", str(launch.work), *launch.args)
    if thread := _thread(launch):
        yield from ("resume", thread)
    yield "-"


def _thread(launch: LaunchSpec) -> str:
    """The thread to resume; empty if the current model cannot.

    A session's id holds Codex's thread and its model. Codex lets the earlier model summarize a thread if the current
    one cannot read its summaries, and the guard allows only the current model.
    """
    thread, _, model = launch.session.partition("@")
    before, now = _generation(model), _generation(launch.required_model.name)
    return "" if before and now and before != now else thread


def _generation(model: str) -> str:
    """Models of one generation read each other's summaries; empty for an unknown model."""
    return next((kind for prefix, kind in _GENERATIONS.items() if model.startswith(prefix)), "")


def _files(launch: LaunchSpec) -> Iterator[FileToWrite]:
    config = tomli_w.dumps(_config(launch)).encode()
    yield FileToWrite(path=launch.home / ".codex/config.toml", content=config)
    yield from instructions(launch, ".codex/AGENTS.md")
    yield from skills(launch, ".codex/skills")


def _config(launch: LaunchSpec) -> dict[str, Any]:
    model = launch.required_model.name
    return {
        "model": model,
        "review_model": model,
        "model_provider": "unmoor",
        "web_search": "live" if launch.web else "disabled",
        "check_for_update_on_startup": False,
        "analytics": {"enabled": False},
        "feedback": {"enabled": False},
        "features": dict.fromkeys(_FEATURES_OFF, False),
        "model_providers": {
            "unmoor": {
                "name": "unmoor",
                "base_url": launch.guard.model_url,
                "env_key": TOKEN_VARIABLE,
                "wire_api": "responses",
                "request_max_retries": RETRIES,
                "stream_max_retries": RETRIES,
                "stream_idle_timeout_ms": PATIENCE_S * 1000,
            }
        },
        "mcp_servers": {server.name: _mcp_server(server) for server in launch.mcp_servers},
    }


def _mcp_server(server: McpServer) -> dict[str, Any]:
    if server.url:
        return {"url": server.url, "http_headers": dict(server.headers), "startup_timeout_sec": _MCP_START_S}
    program, *arguments = server.command
    return {"command": program, "args": arguments, "env": dict(server.env), "startup_timeout_sec": _MCP_START_S}


class CodexReader(JsonLinesReader):
    """Reads `exec --json`; the last object is turn.completed or turn.failed."""

    program = "codex"

    def __init__(self, launch: LaunchSpec) -> None:
        super().__init__(launch)
        self.resumed = bool(_thread(launch))
        self.lost_session = bool(launch.session) and not self.resumed

    def read(self, value: Json) -> Iterable[HarnessEvent]:
        match text(value, "type"):
            case "thread.started":
                return self._start(text(value, "thread_id"))
            case "turn.started":
                self.settled, self.failure = False, ""
            case "turn.completed":
                return self._complete(value)
            case "turn.failed":
                self.failure = _failure(text(value, "error", "message"))
            case "error":
                return (Notice(level="warning", text=text(value, "message")),)
            case "item.started":
                return _call(object_at(value, "item"))
            case "item.completed":
                return self._item(object_at(value, "item"))
        return ()

    def _start(self, thread: str) -> Iterator[HarnessEvent]:
        self.session = f"{thread}@{self.model}" if thread else self.session
        if self.lost_session:
            text = f"{self.model} cannot read the other model's conversation; a new conversation begins"
            yield Notice(level="warning", text=text)

    def _complete(self, value: Json) -> Iterable[HarnessEvent]:
        self.settled = True
        if self.resumed:  # it counts from the session's beginning, not this run's
            return ()
        tokens = read_tokens(
            value_at(value, "usage"),
            input="input_tokens",
            cached_input="cached_input_tokens",
            cache_write="cache_write_input_tokens",
            output="output_tokens",
            reasoning="reasoning_output_tokens",
        )
        return self.usage_events(tokens)

    def _item(self, item: Json) -> Iterator[HarnessEvent]:
        failed = text(item, "status") == "failed"
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
                output = join_text(value_at(item, "result", "content")) or text(item, "error", "message")
                yield ToolResult(id=text(item, "id"), output=output, is_error=failed)
            case "file_change":
                yield from _call(item)
                yield ToolResult(id=text(item, "id"), output="", is_error=failed)
            case "web_search":
                yield from _call(item)


def _failure(message: str) -> str:
    """The provider's own message if this is the body that it was sent in."""
    body = decode_object(message) or {}
    return text(body, "error", "message") or message or "the turn failed"


def _call(item: Json) -> Iterator[HarnessEvent]:
    """The tool call that an item is, if it is one."""
    match text(item, "type"):
        case "command_execution":
            name, arguments = "shell", {"command": text(item, "command")}
        case "mcp_tool_call":
            name, arguments = f"{text(item, 'server')}.{text(item, 'tool')}", value_at(item, "arguments")
        case "file_change":
            name, arguments = "apply_patch", {"changes": items(item, "changes")}
        case "web_search":
            name, arguments = "web_search", {"query": text(item, "query")}
        case _:
            return
    yield ToolCall(id=text(item, "id"), name=name, input=as_text(arguments))


ADAPTER = Adapter(session_folders=(".codex/sessions",), command=command, reader=CodexReader)
