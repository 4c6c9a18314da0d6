"""Gemini CLI: https://geminicli.com/docs/reference/configuration and https://geminicli.com/docs/cli/headless."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from unmoor.runtime.config import McpServer
from unmoor.runtime.events import HarnessEvent, Message, Notice, Tokens, ToolCall, ToolResult
from unmoor.runtime.json_values import Json, as_text, count, text, value_at

from .json_lines_reader import JsonLinesReader, read_tokens
from .launch_files import RETRIES, instructions, json_file, launch_command
from .protocol import Adapter, Command, FileToWrite, LaunchSpec

# Its names for internal uses of a model (summaries, corrections, searches), all set to the spec's model. The others are
# derived from the first. The list: https://geminicli.com/docs/reference/configuration.
_USES = (
    "base",
    "agent-history-provider-summarizer",
    "chat-compression-2.5-flash",
    "chat-compression-2.5-flash-lite",
    "chat-compression-2.5-pro",
    "chat-compression-3-flash",
    "chat-compression-3-pro",
    "chat-compression-3.1-flash-lite",
    "chat-compression-default",
)
# Its chains of fallback models.
_CHAINS = ("preview", "default", "lite", "auto-preview", "auto-default")


def command(launch: LaunchSpec) -> Command:
    """How it is started."""
    variables = {
        "GEMINI_API_KEY": launch.guard.token,
        "GOOGLE_GEMINI_BASE_URL": launch.guard.model_url,
        # Its second process would not forward signals.
        "GEMINI_CLI_NO_RELAUNCH": "true",
        "GEMINI_CLI_TRUST_WORKSPACE": "true",
    }
    return launch_command(launch, "gemini", _arguments(launch), variables=variables, files=_files(launch))


def _arguments(launch: LaunchSpec) -> Iterator[str]:
    model = launch.required_model.name
    yield from ("--output-format", "stream-json", "--model", model, "--yolo", "--skip-trust")
    yield from ("--resume", launch.session) if launch.session else ("--session-id", launch.new_session)
    yield from launch.args


def _files(launch: LaunchSpec) -> Iterator[FileToWrite]:
    yield json_file(launch.home / ".gemini/settings.json", _settings(launch))
    yield from instructions(launch, ".gemini/GEMINI.md")


def _settings(launch: LaunchSpec) -> dict[str, Any]:
    return {
        "security": {"auth": {"selectedType": "gemini-api-key"}},
        "general": {"enableAutoUpdate": False, "maxAttempts": 1 + RETRIES},
        "privacy": {"usageStatisticsEnabled": False},
        "tools": {"exclude": [] if launch.web else ["google_web_search", "web_fetch"]},
        "experimental": {"dynamicModelConfiguration": True},
        "modelConfigs": _only_model(launch.required_model.name),
        "mcpServers": {server.name: _mcp_server(server) for server in launch.mcp_servers},
    }


def _only_model(name: str) -> dict[str, Any]:
    """The model under its own name for every use, without fallbacks."""
    return {
        "customOverrides": [{"match": {"model": use}, "modelConfig": {"model": name}} for use in _USES],
        "modelIdResolutions": {name: {"default": name, "contexts": []}},
        "modelChains": {chain: [{"model": name, "isLastResort": True}] for chain in _CHAINS},
    }


def _mcp_server(server: McpServer) -> dict[str, Any]:
    if server.url:
        return {"httpUrl": server.url, "headers": dict(server.headers), "trust": True}
    program, *arguments = server.command
    return {"command": program, "args": arguments, "env": dict(server.env), "trust": True}


class GeminiReader(JsonLinesReader):
    """Reads stream-json; the last object is a `result` with a status. Pieces of a message become one event."""

    program = "gemini"

    def __init__(self, launch: LaunchSpec) -> None:
        super().__init__(launch)
        self.pieces: list[str] = []
        self.last_error = ""

    def read(self, value: Json) -> Iterable[HarnessEvent]:
        kind = text(value, "type")
        if kind == "message" and text(value, "role") == "assistant":
            self.pieces.append(text(value, "content"))
            return
        yield from self._message()
        match kind:
            case "init":
                self.session = text(value, "session_id") or self.session
            case "tool_use":
                arguments = as_text(value_at(value, "parameters"))
                yield ToolCall(id=text(value, "tool_id"), name=text(value, "tool_name"), input=arguments)
            case "tool_result":
                yield _result(value)
            case "error":
                level = "error" if text(value, "severity") == "error" else "warning"
                self.last_error = text(value, "message")
                yield Notice(level=level, text=self.last_error)
            case "result":
                yield from self._end(value)

    def _message(self) -> Iterator[HarnessEvent]:
        message = "".join(self.pieces)
        self.pieces.clear()
        if message:
            self.answer = message
            yield Message(text=message)

    def _end(self, value: Json) -> Iterator[HarnessEvent]:
        self.settled = True
        if text(value, "status") != "success":
            self.failure = text(value, "error", "message") or self.last_error or "no reason given"
        yield from self.usage_events(_tokens(value_at(value, "stats")))


def _tokens(stats: object) -> Tokens:
    """Its output excludes reasoning, which only the total includes."""
    tokens = read_tokens(stats, input="input_tokens", cached_input="cached", output="output_tokens")
    reasoning = max(count(stats, "total_tokens") - tokens.input - tokens.output, 0)
    return tokens + Tokens(output=reasoning, reasoning=reasoning)


def _result(value: Json) -> ToolResult:
    failed = text(value, "status") == "error"
    output = text(value, "error", "message") if failed else ""
    return ToolResult(id=text(value, "tool_id"), output=output or text(value, "output"), is_error=failed)


ADAPTER = Adapter(session_folders=(".gemini/tmp",), command=command, reader=GeminiReader)
