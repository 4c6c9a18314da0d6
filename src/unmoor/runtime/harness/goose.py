"""Goose: https://block.github.io/goose/docs/guides/environment-variables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from unmoor.runtime.config import McpServer
from unmoor.runtime.events import HarnessEvent, Message, Notice, ToolCall, ToolResult, Usage

from .lines import Json, as_text, inner, items, joined, member, text, tokens
from .protocol import Command, Exit, Job, Outcome, PlacedFile
from .reading import JsonLines
from .surroundings import environment, instructions, json_file, program

# Texts that it says in the agent's own voice where the model could not be reached.
_FAULTS = ("Ran into this error", "Network error")


class Goose:
    name = "goose"
    session_folders = (".local/share/goose/sessions",)

    def command(self, job: Job) -> Command:
        return Command(
            argv=(*program(job, "goose"), *_arguments(job), *job.args),
            environment={
                **environment(job),
                **_model(job),
                "GOOSE_MODE": "auto",
                "GOOSE_DISABLE_KEYRING": "1",
                "GOOSE_TELEMETRY_ENABLED": "false",
                "GOOSE_TELEMETRY_OFF": "1",
            },
            stdin=job.prompt.encode(),
            files=tuple(_files(job)),
        )

    def reader(self, job: Job) -> GooseReader:
        return GooseReader(job)


ADAPTER = Goose()


def _arguments(job: Job) -> Iterator[str]:
    yield from ("run", "--quiet", "--instructions", "-", "--output-format", "stream-json")
    yield from ("--name", job.session or job.new_session)
    if job.session:
        yield "--resume"


def _model(job: Job) -> dict[str, str]:
    assert job.model
    common = {"GOOSE_MODEL": job.model.name, "GOOSE_SUBAGENT_MODEL": job.model.name}
    if job.model.provider == "anthropic":
        host = {"ANTHROPIC_HOST": job.guarded.model_url, "ANTHROPIC_API_KEY": job.guarded.token}
        return {**common, "GOOSE_PROVIDER": "anthropic", **host}
    host = {"OPENAI_HOST": job.guarded.model_url, "OPENAI_API_KEY": job.guarded.token}
    return {**common, "GOOSE_PROVIDER": "openai", "OPENAI_BASE_PATH": "chat/completions", **host}


def _files(job: Job) -> Iterator[PlacedFile]:
    extensions = {"developer": {"type": "builtin", "name": "developer", "enabled": True, "timeout": 300}}
    extensions |= {server.name: _mcp_server(server) for server in job.mcp_servers}
    yield json_file(job.home / ".config/goose/config.yaml", {"extensions": extensions})
    yield from instructions(job, ".config/goose/AGENTS.md")


def _mcp_server(server: McpServer) -> dict[str, Any]:
    common = {"name": server.name, "description": server.name, "enabled": True, "timeout": 300}
    if server.url:
        return {**common, "type": "streamable_http", "uri": server.url, "headers": dict(server.headers)}
    command, *arguments = server.command
    return {**common, "type": "stdio", "cmd": command, "args": arguments, "envs": dict(server.env)}


class GooseReader(JsonLines):
    """Reads stream-json, whose `complete` also follows a failure: that is told by the agent's last message."""

    program = "goose"

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self.session = job.session or job.new_session
        self.message = ""
        self.pieces: list[str] = []

    def read(self, value: Json) -> Iterable[HarnessEvent]:
        match text(value, "type"):
            case "message":
                yield from self._message(inner(value, "message"))
            case "error":
                self.failure = text(value, "error") or text(value, "message") or "no reason given"
            case "complete":
                yield from self._whole_message()
                self.settled = True
                used = tokens(
                    value,
                    input="input_tokens",
                    cached_input="cache_read_input_tokens",
                    cache_write="cache_write_input_tokens",
                    output="output_tokens",
                )
                yield Usage(model=self.model, tokens=used, cost_usd=None)

    def _message(self, message: Json) -> Iterator[HarnessEvent]:
        """Pieces of one message have one id."""
        if text(message, "id") != self.message or text(message, "role") != "assistant":
            yield from self._whole_message()
        self.message = text(message, "id")
        for block in items(message, "content"):
            match text(block, "type"):
                case "text" if text(message, "role") == "assistant":
                    self.pieces.append(text(block, "text"))
                case "toolRequest":
                    yield from self._whole_message()
                    yield _call(block)
                case "toolResponse":
                    yield _answer(block)

    def _whole_message(self) -> Iterator[HarnessEvent]:
        said = "".join(self.pieces)
        self.pieces.clear()
        if not said:
            return
        if said.startswith(_FAULTS):
            self.failure = said
            yield Notice(level="error", text=said)
        else:
            self.answer, self.failure = said, ""
            yield Message(text=said)

    def outcome(self, end: Exit) -> Outcome:
        for _ in self._whole_message():
            pass
        return super().outcome(end)


def _call(block: Json) -> ToolCall:
    called = inner(block, "toolCall", "value")
    return ToolCall(id=text(block, "id"), name=text(called, "name"), input=as_text(member(called, "arguments")))


def _answer(block: Json) -> ToolResult:
    result = inner(block, "toolResult")
    output = joined(member(result, "value", "content")) or text(result, "error")
    failed = text(result, "status") == "error" or member(result, "value", "isError") is True
    return ToolResult(id=text(block, "id"), output=output, is_error=failed)
