"""Goose: https://github.com/aaif-goose/goose, whose documentation lists its variables and extensions."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from unmoor.runtime.config import McpServer, Model
from unmoor.runtime.events import HarnessEvent, Message, Notice, Tokens, ToolCall, ToolResult

from .json_lines_reader import JsonLinesReader
from .json_values import Json, as_text, items, join_text, object_at, text, tokens, value_at
from .launch_files import environment, instructions, json_file, program
from .protocol import Command, FileToWrite, HarnessOutcome, LaunchSpec, ProcessExit

_TOOL_S = 300
_DEVELOPER = {"type": "builtin", "name": "developer", "enabled": True, "timeout": _TOOL_S}
# How it begins where it has no answer, for streams of which no message says that a model wrote it.
_OWN_WORDS = (
    "Ran into this error",
    "Network error",
    "The model returned an empty response",
    "I've reached the maximum number of actions",
    "Unable to continue",
    "Please check your account",
    "Please add credits",
)


class Goose:
    name = "goose"
    session_folders = (".local/share/goose/sessions",)

    def command(self, job: LaunchSpec) -> Command:
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

    def reader(self, job: LaunchSpec) -> GooseReader:
        return GooseReader(job)


ADAPTER = Goose()


def _arguments(job: LaunchSpec) -> Iterator[str]:
    yield from ("run", "--quiet", "--instructions", "-", "--output-format", "stream-json")
    yield from ("--name", job.session or job.new_session)
    if job.session:
        yield "--resume"
    # A session keeps the model that it began with too, and goes before the environment.
    assert job.model
    yield from ("--provider", _provider(job.model), "--model", job.model.name)
    # A session keeps the extensions that it began with, so those that the spec has now are given at every start.
    for server in _local(job):
        yield from ("--with-extension", f"{server.name}:{shlex.quote(str(_starter(job, server)))}")


def _model(job: LaunchSpec) -> dict[str, str]:
    assert job.model
    name, url, token = job.model.name, job.guarded.model_url, job.guarded.token
    common = {"GOOSE_PROVIDER": _provider(job.model), "GOOSE_MODEL": name, "GOOSE_SUBAGENT_MODEL": name}
    if job.model.provider == "anthropic":
        return {**common, "ANTHROPIC_HOST": url, "ANTHROPIC_API_KEY": token}
    return {**common, "OPENAI_HOST": url, "OPENAI_BASE_PATH": "chat/completions", "OPENAI_API_KEY": token}


def _provider(model: Model) -> str:
    """Goose's name of the wire format; any that is not Anthropic's is asked by OpenAI's."""
    return "anthropic" if model.provider == "anthropic" else "openai"


def _files(job: LaunchSpec) -> Iterator[FileToWrite]:
    """What a session keeps of a server holds no secret: one is started by a file, a header names a variable."""
    folder = job.home / ".config/goose"
    secrets = {_variable(server, name): text for server in _far(job) for name, text in server.headers}
    extensions = {"developer": _DEVELOPER, **{server.name: _far_server(server) for server in _far(job)}}
    yield json_file(folder / "config.yaml", {"extensions": extensions})
    yield json_file(folder / "secrets.yaml", secrets)
    for server in _local(job):
        yield FileToWrite(path=_starter(job, server), content=_starting(server).encode(), mode=0o700)
    yield from instructions(job, ".config/goose/AGENTS.md")


def _local(job: LaunchSpec) -> list[McpServer]:
    return [server for server in job.mcp_servers if not server.url]


def _far(job: LaunchSpec) -> list[McpServer]:
    return [server for server in job.mcp_servers if server.url]


def _starter(job: LaunchSpec, server: McpServer) -> PurePosixPath:
    return job.home / ".config/goose/servers" / quote(server.name, safe="")


def _starting(server: McpServer) -> str:
    """A script that starts the server with its environment."""
    lines = [f"export {name}={shlex.quote(text)}" for name, text in server.env]
    return "\n".join(("#!/bin/sh", *lines, f"exec {shlex.join(server.command)}", ""))


def _far_server(server: McpServer) -> dict[str, Any]:
    names = [name for name, _ in server.headers]
    return {
        "type": "streamable_http",
        "name": server.name,
        "description": server.name,
        "enabled": True,
        "timeout": _TOOL_S,
        "uri": server.url,
        "headers": {name: f"${{{_variable(server, name)}}}" for name in names},
        "env_keys": [_variable(server, name) for name in names],
    }


def _variable(server: McpServer, header: str) -> str:
    """The variable that stands for a header of a server."""
    return "UNMOOR_" + re.sub(r"[^A-Z0-9]", "_", f"{server.name}_{header}".upper())


class GooseReader(JsonLinesReader):
    """Reads stream-json, whose `complete` also follows a failure: Goose then speaks for itself in the agent's place."""

    program = "goose"

    def __init__(self, job: LaunchSpec) -> None:
        super().__init__(job)
        self.session = job.session or job.new_session
        self.resumed = bool(job.session)
        self.message = ""
        self.pieces: list[str] = []
        self.by_model = False
        self.marks_the_model = False

    def read(self, value: Json) -> Iterable[HarnessEvent]:
        match text(value, "type"):
            case "message":
                yield from self._message(object_at(value, "message"))
            case "error":
                self.failure = text(value, "error") or text(value, "message") or "no reason given"
            case "complete":
                yield from self._whole_message()
                self.settled = True
                if not self.resumed:  # it counts from the session's beginning, not from this run's
                    yield from self.usage_events(_tokens(value))

    def _message(self, message: Json) -> Iterator[HarnessEvent]:
        """Pieces of one message have one id; those that a model wrote say by which inference."""
        if text(message, "id") != self.message or text(message, "role") != "assistant":
            yield from self._whole_message()
        self.message = text(message, "id")
        self.by_model = bool(object_at(message, "metadata", "inference"))
        self.marks_the_model |= self.by_model
        for block in items(message, "content"):
            yield from self._block(block, by_agent=text(message, "role") == "assistant")

    def _block(self, block: Json, *, by_agent: bool) -> Iterator[HarnessEvent]:
        match text(block, "type"):
            case "text" if by_agent:
                self.pieces.append(text(block, "text"))
            case "error":
                self.failure = text(block, "message") or "no reason given"
                yield Notice(level="error", text=self.failure)
            case "systemNotification":
                yield Notice(level="info", text=text(block, "msg"))
            case "toolRequest":
                yield from self._whole_message()
                self.failure = ""
                yield _call(block)
            case "toolResponse":
                yield _answer(block)

    def _whole_message(self) -> Iterator[HarnessEvent]:
        said = "".join(self.pieces)
        self.pieces.clear()
        if not said:
            return
        if self._is_goose_itself(said):
            self.failure = said
            yield Notice(level="error", text=said)
        else:
            self.answer, self.failure = said, ""
            yield Message(text=said)

    def _is_goose_itself(self, said: str) -> bool:
        return not self.by_model and (self.marks_the_model or said.startswith(_OWN_WORDS))

    def outcome(self, end: ProcessExit) -> HarnessOutcome:
        """What was said last may not have been told yet."""
        tuple(self._whole_message())
        return super().outcome(end)


def _tokens(complete: Json) -> Tokens:
    return tokens(
        complete,
        input="input_tokens",
        cached_input="cache_read_input_tokens",
        cache_write="cache_write_input_tokens",
        output="output_tokens",
    )


def _call(block: Json) -> ToolCall:
    called = object_at(block, "toolCall", "value")
    return ToolCall(id=text(block, "id"), name=text(called, "name"), input=as_text(value_at(called, "arguments")))


def _answer(block: Json) -> ToolResult:
    result = object_at(block, "toolResult")
    output = join_text(value_at(result, "value", "content")) or text(result, "error")
    failed = text(result, "status") == "error" or value_at(result, "value", "isError") is True
    return ToolResult(id=text(block, "id"), output=output, is_error=failed)
