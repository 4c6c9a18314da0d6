"""Goose: https://github.com/aaif-goose/goose, whose documentation lists its variables and extensions."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from unmoor.runtime.config import McpServer
from unmoor.runtime.events import HarnessEvent, Message, Notice, ToolCall, ToolResult
from unmoor.runtime.json_values import Json, as_text, items, join_text, object_at, text, value_at

from .json_lines_reader import JsonLinesReader, read_tokens
from .launch_files import instructions, json_file, launch_command
from .protocol import Adapter, Command, FileToWrite, HarnessOutcome, LaunchSpec, ProcessExit

_CONFIG = ".config/goose"
_TOOL_S = 300
_DEVELOPER = {"type": "builtin", "name": "developer", "enabled": True, "timeout": _TOOL_S}
# How its own messages begin when it has no answer, for streams whose messages do not name an inference.
_OWN_MESSAGES = (
    "Ran into this error",
    "Network error",
    "The model returned an empty response",
    "I've reached the maximum number of actions",
    "Unable to continue",
    "Please check your account",
    "Please add credits",
)


def command(launch: LaunchSpec) -> Command:
    """How it is started."""
    variables = {
        **_model_variables(launch),
        "GOOSE_MODE": "auto",
        "GOOSE_DISABLE_KEYRING": "1",
        "GOOSE_TELEMETRY_ENABLED": "false",
        "GOOSE_TELEMETRY_OFF": "1",
    }
    return launch_command(launch, "goose", _arguments(launch), variables=variables, files=_files(launch))


def _arguments(launch: LaunchSpec) -> Iterator[str]:
    yield from ("run", "--quiet", "--instructions", "-", "--output-format", "stream-json")
    yield from ("--name", launch.session or launch.new_session)
    if launch.session:
        yield "--resume"
    # A session stores its first model too, and takes it before the environment's.
    yield from ("--provider", _provider(launch), "--model", launch.required_model.name)
    # A session stores its first extensions, so the spec's current ones are passed at every start.
    for server in _local(launch):
        yield from ("--with-extension", f"{server.name}:{shlex.quote(str(_script_path(launch, server)))}")
    yield from launch.args


def _model_variables(launch: LaunchSpec) -> dict[str, str]:
    name, url, token = launch.required_model.name, launch.guard.model_url, launch.guard.token
    common = {"GOOSE_PROVIDER": _provider(launch), "GOOSE_MODEL": name, "GOOSE_SUBAGENT_MODEL": name}
    if _provider(launch) == "anthropic":
        return {**common, "ANTHROPIC_HOST": url, "ANTHROPIC_API_KEY": token}
    return {**common, "OPENAI_HOST": url, "OPENAI_BASE_PATH": "chat/completions", "OPENAI_API_KEY": token}


def _provider(launch: LaunchSpec) -> str:
    """Goose's name of the model API format: Anthropic's, or OpenAI's for every other provider."""
    return "anthropic" if launch.required_model.provider == "anthropic" else "openai"


def _files(launch: LaunchSpec) -> Iterator[FileToWrite]:
    """A session stores no secret of a server: a script starts a local one, and headers refer to variables."""
    folder, remote = launch.home / _CONFIG, [server for server in launch.mcp_servers if server.url]
    secrets = {_variable(server, name): value for server in remote for name, value in server.headers}
    extensions = {"developer": _DEVELOPER, **{server.name: _remote_extension(server) for server in remote}}
    yield json_file(folder / "config.yaml", {"extensions": extensions})
    yield json_file(folder / "secrets.yaml", secrets)
    for server in _local(launch):
        yield FileToWrite(path=_script_path(launch, server), content=_script(server).encode(), mode=0o700)
    yield from instructions(launch, f"{_CONFIG}/AGENTS.md")


def _local(launch: LaunchSpec) -> list[McpServer]:
    return [server for server in launch.mcp_servers if not server.url]


def _script_path(launch: LaunchSpec, server: McpServer) -> PurePosixPath:
    return launch.home / _CONFIG / "servers" / quote(server.name, safe="")


def _script(server: McpServer) -> str:
    """A script that starts the server with its environment."""
    lines = [f"export {name}={shlex.quote(value)}" for name, value in server.env]
    return "\n".join(("#!/bin/sh", *lines, f"exec {shlex.join(server.command)}", ""))


def _remote_extension(server: McpServer) -> dict[str, Any]:
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
    """The variable that holds a header of a server."""
    return "UNMOOR_" + re.sub(r"[^A-Z0-9]", "_", f"{server.name}_{header}".upper())


class GooseReader(JsonLinesReader):
    """Reads stream-json, whose `complete` also follows a failure: Goose then writes the last message itself."""

    program = "goose"

    def __init__(self, launch: LaunchSpec) -> None:
        super().__init__(launch)
        self.session = launch.session or launch.new_session
        self.resumed = bool(launch.session)
        self.message_id = ""
        self.pieces: list[str] = []
        self.by_model = False
        self.names_inferences = False

    def read(self, value: Json) -> Iterable[HarnessEvent]:
        match text(value, "type"):
            case "message":
                yield from self._piece(object_at(value, "message"))
            case "error":
                self.failure = text(value, "error") or text(value, "message") or "no reason given"
            case "complete":
                yield from self._message()
                self.settled = True
                if self.resumed:  # it counts from the session's beginning, not this run's
                    return
                tokens = read_tokens(
                    value,
                    input="input_tokens",
                    cached_input="cache_read_input_tokens",
                    cache_write="cache_write_input_tokens",
                    output="output_tokens",
                )
                yield from self.usage_events(tokens)

    def _piece(self, message: Json) -> Iterator[HarnessEvent]:
        """Pieces of one message have one id; those from a model name the inference."""
        by_agent = text(message, "role") == "assistant"
        if text(message, "id") != self.message_id or not by_agent:
            yield from self._message()
        self.message_id = text(message, "id")
        self.by_model = bool(object_at(message, "metadata", "inference"))
        self.names_inferences |= self.by_model
        for block in items(message, "content"):
            yield from self._block(block, by_agent=by_agent)

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
                yield from self._message()
                self.failure = ""
                yield _call(block)
            case "toolResponse":
                yield _result(block)

    def _message(self) -> Iterator[HarnessEvent]:
        message = "".join(self.pieces)
        self.pieces.clear()
        if not message:
            return
        if not self.by_model and (self.names_inferences or message.startswith(_OWN_MESSAGES)):
            self.failure = message
            yield Notice(level="error", text=message)
        else:
            self.answer, self.failure = message, ""
            yield Message(text=message)

    def outcome(self, end: ProcessExit) -> HarnessOutcome:
        """The last message may still be in pieces."""
        tuple(self._message())
        return super().outcome(end)


def _call(block: Json) -> ToolCall:
    call = object_at(block, "toolCall", "value")
    return ToolCall(id=text(block, "id"), name=text(call, "name"), input=as_text(value_at(call, "arguments")))


def _result(block: Json) -> ToolResult:
    result = object_at(block, "toolResult")
    output = join_text(value_at(result, "value", "content")) or text(result, "error")
    failed = text(result, "status") == "error" or value_at(result, "value", "isError") is True
    return ToolResult(id=text(block, "id"), output=output, is_error=failed)


ADAPTER = Adapter(session_folders=(".local/share/goose/sessions",), command=command, reader=GooseReader)
