"""Gemini CLI: https://geminicli.com/docs/reference/configuration and https://geminicli.com/docs/cli/headless."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from unmoor.runtime.config import McpServer
from unmoor.runtime.events import HarnessEvent, Message, Notice, Tokens, ToolCall, ToolResult

from .json_lines_reader import JsonLinesReader
from .json_values import Json, as_text, count, text, tokens, value_at
from .launch_files import RETRIES, environment, instructions, json_file, program
from .protocol import Command, FileToWrite, LaunchSpec

# Names of its inner uses of a model (summaries, corrections, searches), all of which are made to use the spec's.
# The first stands for every one that is derived from it. Which there are: https://geminicli.com/docs/reference/configuration.
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
# What it falls back on from which model.
_CHAINS = ("preview", "default", "lite", "auto-preview", "auto-default")


class Gemini:
    name = "gemini"
    session_folders = (".gemini/tmp",)

    def command(self, job: LaunchSpec) -> Command:
        return Command(
            argv=(*program(job, "gemini"), *_arguments(job), *job.args),
            environment={
                **environment(job),
                "GEMINI_API_KEY": job.guarded.token,
                "GOOGLE_GEMINI_BASE_URL": job.guarded.model_url,
                # Its second process would not hand signals on.
                "GEMINI_CLI_NO_RELAUNCH": "true",
                "GEMINI_CLI_TRUST_WORKSPACE": "true",
            },
            stdin=job.prompt.encode(),
            files=tuple(_files(job)),
        )

    def reader(self, job: LaunchSpec) -> GeminiReader:
        return GeminiReader(job)


ADAPTER = Gemini()


def _arguments(job: LaunchSpec) -> Iterator[str]:
    assert job.model
    yield from ("--output-format", "stream-json", "--model", job.model.name, "--yolo", "--skip-trust")
    yield from ("--resume", job.session) if job.session else ("--session-id", job.new_session)


def _files(job: LaunchSpec) -> Iterator[FileToWrite]:
    yield json_file(job.home / ".gemini/settings.json", _settings(job))
    yield from instructions(job, ".gemini/GEMINI.md")


def _settings(job: LaunchSpec) -> dict[str, Any]:
    assert job.model
    return {
        "security": {"auth": {"selectedType": "gemini-api-key"}},
        "general": {"enableAutoUpdate": False, "maxAttempts": 1 + RETRIES},
        "privacy": {"usageStatisticsEnabled": False},
        "tools": {"exclude": [] if job.web else ["google_web_search", "web_fetch"]},
        "experimental": {"dynamicModelConfiguration": True},
        "modelConfigs": _one_model(job.model.name),
        "mcpServers": {server.name: _mcp_server(server) for server in job.mcp_servers},
    }


def _one_model(name: str) -> dict[str, Any]:
    """The model under its own name, for every use, with nothing to fall back on."""
    return {
        "customOverrides": [{"match": {"model": use}, "modelConfig": {"model": name}} for use in _USES],
        "modelIdResolutions": {name: {"default": name, "contexts": []}},
        "modelChains": {chain: [{"model": name, "isLastResort": True}] for chain in _CHAINS},
    }


def _mcp_server(server: McpServer) -> dict[str, Any]:
    if server.url:
        return {"httpUrl": server.url, "headers": dict(server.headers), "trust": True}
    command, *arguments = server.command
    return {"command": command, "args": arguments, "env": dict(server.env), "trust": True}


class GeminiReader(JsonLinesReader):
    """Reads stream-json; the last word is a `result` with a status. Messages come in pieces, and are told whole."""

    program = "gemini"

    def __init__(self, job: LaunchSpec) -> None:
        super().__init__(job)
        self.pieces: list[str] = []
        self.last_error = ""

    def read(self, value: Json) -> Iterable[HarnessEvent]:
        kind = text(value, "type")
        if kind == "message" and text(value, "role") == "assistant":
            self.pieces.append(text(value, "content"))
            return
        yield from self._whole_message()
        match kind:
            case "init":
                self.session = text(value, "session_id") or self.session
            case "tool_use":
                called = as_text(value_at(value, "parameters"))
                yield ToolCall(id=text(value, "tool_id"), name=text(value, "tool_name"), input=called)
            case "tool_result":
                yield _result(value)
            case "error":
                level = "error" if text(value, "severity") == "error" else "warning"
                self.last_error = text(value, "message")
                yield Notice(level=level, text=self.last_error)
            case "result":
                yield from self._end(value)

    def _whole_message(self) -> Iterator[HarnessEvent]:
        said = "".join(self.pieces)
        self.pieces.clear()
        if said:
            self.answer = said
            yield Message(text=said)

    def _end(self, value: Json) -> Iterator[HarnessEvent]:
        self.settled = True
        if text(value, "status") != "success":
            self.failure = text(value, "error", "message") or self.last_error or "no reason given"
        yield from self.usage_events(_tokens(value_at(value, "stats")))


def _tokens(stats: object) -> Tokens:
    """Its output is without thoughts, which are in the total alone."""
    found = tokens(stats, input="input_tokens", cached_input="cached", output="output_tokens")
    thoughts = max(count(stats, "total_tokens") - found.input - found.output, 0)
    return found + Tokens(output=thoughts, reasoning=thoughts)


def _result(value: Json) -> ToolResult:
    failed = text(value, "status") == "error"
    output = text(value, "error", "message") if failed else text(value, "output")
    return ToolResult(id=text(value, "tool_id"), output=output or text(value, "output"), is_error=failed)
