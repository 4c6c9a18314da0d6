"""OpenCode: https://opencode.ai/docs/config and https://opencode.ai/docs/providers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from unmoor.runtime.config import McpServer, Model
from unmoor.runtime.events import HarnessEvent, Message, Tokens, ToolCall, ToolResult

from .json_lines_reader import JsonLinesReader
from .json_values import Json, as_text, object_at, text, tokens, value_at
from .launch_files import PATIENCE_S, TOKEN_VARIABLE, environment, instructions, json_file, program, skills
from .protocol import Command, FileToWrite, LaunchSpec

# OpenCode's own name of each provider, by which it knows the models' sizes and abilities, and what it wants after the
# base URL. A provider that it does not know is given a client library, one of those that are bundled.
_PROVIDERS = {
    "anthropic": ("anthropic", "/v1"),
    "openai": ("openai", ""),
    "google": ("google", "/v1beta"),
    "openrouter": ("openrouter", ""),
    "openai-compatible": ("unmoor", ""),
}
_CLIENT = "@ai-sdk/openai-compatible"


class OpenCode:
    name = "opencode"
    session_folders = (".local/share/opencode",)

    def command(self, job: LaunchSpec) -> Command:
        return Command(
            argv=(*program(job, "opencode"), *_arguments(job), *job.args),
            environment={
                **environment(job),
                "OPENCODE_CONFIG_CONTENT": json.dumps(_config(job)),
                "OPENCODE_DISABLE_AUTOUPDATE": "1",
                "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
                "OPENCODE_DISABLE_MODELS_FETCH": "1",
                "OPENCODE_DISABLE_SHARE": "1",
                TOKEN_VARIABLE: job.guarded.token,
            },
            stdin=job.prompt.encode(),
            files=tuple(_files(job)),
        )

    def reader(self, job: LaunchSpec) -> OpenCodeReader:
        return OpenCodeReader(job)


ADAPTER = OpenCode()


def _arguments(job: LaunchSpec) -> Iterator[str]:
    assert job.model
    yield from ("run", "--format", "json", "--model", _model(job.model))
    # A title is otherwise asked of the model, in a request of its own.
    yield from ("--session", job.session) if job.session else ("--title", "run")


def _model(model: Model) -> str:
    return f"{_PROVIDERS[model.provider][0]}/{model.name}"


def _files(job: LaunchSpec) -> Iterator[FileToWrite]:
    folder = job.home / ".config/opencode"
    yield json_file(folder / "opencode.json", {"mcp": {s.name: _mcp_server(s) for s in job.mcp_servers}})
    # It otherwise fetches the library for plugins from npm at every start, and finds nobody at home.
    yield json_file(folder / "package-lock.json", {"packages": {"": {"dependencies": {"@opencode-ai/plugin": "*"}}}})
    yield FileToWrite(path=folder / "node_modules/.keep", content=b"")
    yield from instructions(job, ".config/opencode/AGENTS.md")
    yield from skills(job, ".config/opencode/skills")


def _config(job: LaunchSpec) -> dict[str, Any]:
    """What no file of the workspace may change; the token is named in it, not written."""
    assert job.model
    name, version = _PROVIDERS[job.model.provider]
    options: dict[str, Any] = {"baseURL": job.guarded.model_url + version, "apiKey": f"{{env:{TOKEN_VARIABLE}}}"}
    options["timeout"] = PATIENCE_S * 1000
    client = {"npm": _CLIENT} if name == "unmoor" else {}
    return {
        "provider": {name: {**client, "options": options, "models": {job.model.name: {}}}},
        "enabled_providers": [name],
        "model": _model(job.model),
        "small_model": _model(job.model),
        "permission": {"*": "allow"},
        "share": "disabled",
        "autoupdate": False,
        "snapshot": False,
    }


def _mcp_server(server: McpServer) -> dict[str, Any]:
    if server.url:
        return {"type": "remote", "url": server.url, "headers": dict(server.headers), "oauth": False}
    return {"type": "local", "command": list(server.command), "environment": dict(server.env)}


class OpenCodeReader(JsonLinesReader):
    """Reads `run --format json`, which has no last word: the last step that finished says how it went."""

    program = "opencode"

    def read(self, value: Json) -> Iterable[HarnessEvent]:
        self.session = text(value, "sessionID") or self.session
        part = object_at(value, "part")
        match text(value, "type"):
            case "text":
                self.answer = text(part, "text") or self.answer
                return (Message(text=text(part, "text")),)
            case "tool_use":
                return _tool(part)
            case "step_start":
                self.settled, self.failure = False, ""
            case "step_finish":
                return self._finished(part)
            case "error":
                error = object_at(value, "error")
                self.failure = (
                    f"{text(error, 'name') or 'error'}: {text(error, 'data', 'message') or 'no reason given'}"
                )
        return ()

    def _finished(self, part: Json) -> Iterable[HarnessEvent]:
        reason = text(part, "reason")
        self.settled = reason == "stop"
        if reason not in ("stop", "tool-calls"):
            self.failure = f"the model stopped for {reason or 'no reason given'}"
        return self.usage_events(_tokens(value_at(part, "tokens")))


def _tool(part: Json) -> Iterator[HarnessEvent]:
    """A call is told when it is over, so both are told at once."""
    state = object_at(part, "state")
    failed = text(state, "status") == "error"
    yield ToolCall(id=text(part, "callID"), name=text(part, "tool"), input=as_text(value_at(state, "input")))
    yield ToolResult(
        id=text(part, "callID"), output=text(state, "error") if failed else text(state, "output"), is_error=failed
    )


def _tokens(used: object) -> Tokens:
    """Its input is without what came from a cache or went into one, its output without reasoning."""
    found = tokens(used, input="input", output="output", reasoning="reasoning")
    cache = tokens(value_at(used, "cache"), cached_input="read", cache_write="write")
    return found + cache + Tokens(input=cache.cached_input + cache.cache_write, output=found.reasoning)
