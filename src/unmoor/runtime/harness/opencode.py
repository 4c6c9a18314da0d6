"""OpenCode: https://opencode.ai/docs/config and https://opencode.ai/docs/providers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from unmoor.runtime.config import McpServer
from unmoor.runtime.events import HarnessEvent, Message, Tokens, ToolCall, ToolResult
from unmoor.runtime.json_values import Json, as_text, object_at, text, value_at

from .json_lines_reader import JsonLinesReader, read_tokens
from .launch_files import PATIENCE_S, TOKEN_VARIABLE, instructions, json_file, launch_command, skills
from .protocol import Adapter, Command, FileToWrite, LaunchSpec

# OpenCode's name of each provider, by which it knows the models' sizes and features, and the suffix of its base URL.
# A provider that it does not know is given a client library, one of the bundled ones.
_PROVIDERS = {
    "anthropic": ("anthropic", "/v1"),
    "openai": ("openai", ""),
    "google": ("google", "/v1beta"),
    "openrouter": ("openrouter", ""),
    "openai-compatible": ("unmoor", ""),
}
_CLIENT = "@ai-sdk/openai-compatible"


def command(launch: LaunchSpec) -> Command:
    """How it is started."""
    variables = {
        "OPENCODE_CONFIG_CONTENT": json.dumps(_config(launch)),
        "OPENCODE_DISABLE_AUTOUPDATE": "1",
        "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
        "OPENCODE_DISABLE_MODELS_FETCH": "1",
        "OPENCODE_DISABLE_SHARE": "1",
        TOKEN_VARIABLE: launch.guard.token,
    }
    return launch_command(launch, "opencode", _arguments(launch), variables=variables, files=_files(launch))


def _arguments(launch: LaunchSpec) -> Iterator[str]:
    yield from ("run", "--format", "json", "--model", _model(launch))
    # Without a title, it requests one from the model.
    yield from ("--session", launch.session) if launch.session else ("--title", "run")
    yield from launch.args


def _model(launch: LaunchSpec) -> str:
    return f"{_PROVIDERS[launch.required_model.provider][0]}/{launch.required_model.name}"


def _files(launch: LaunchSpec) -> Iterator[FileToWrite]:
    folder = launch.home / ".config/opencode"
    yield json_file(folder / "opencode.json", {"mcp": {s.name: _mcp_server(s) for s in launch.mcp_servers}})
    # Otherwise it tries to fetch the plugin library from npm at every start.
    yield json_file(folder / "package-lock.json", {"packages": {"": {"dependencies": {"@opencode-ai/plugin": "*"}}}})
    yield FileToWrite(path=folder / "node_modules/.keep", content=b"")
    yield from instructions(launch, ".config/opencode/AGENTS.md")
    yield from skills(launch, ".config/opencode/skills")


def _config(launch: LaunchSpec) -> dict[str, Any]:
    """The configuration that no file of the workspace can change; it refers to the token's variable."""
    provider, version = _PROVIDERS[launch.required_model.provider]
    options = {
        "baseURL": launch.guard.model_url + version,
        "apiKey": f"{{env:{TOKEN_VARIABLE}}}",
        "timeout": PATIENCE_S * 1000,
    }
    client = {"npm": _CLIENT} if provider == "unmoor" else {}
    return {
        "provider": {provider: {**client, "options": options, "models": {launch.required_model.name: {}}}},
        "enabled_providers": [provider],
        "model": _model(launch),
        "small_model": _model(launch),
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
    """Reads `run --format json`, which has no final object: the last finished step decides."""

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
                return self._finish(part)
            case "error":
                error = object_at(value, "error")
                message = text(error, "data", "message") or "no reason given"
                self.failure = f"{text(error, 'name') or 'error'}: {message}"
        return ()

    def _finish(self, part: Json) -> Iterable[HarnessEvent]:
        reason = text(part, "reason")
        self.settled = reason == "stop"
        if reason not in ("stop", "tool-calls"):
            self.failure = f"the model stopped for {reason or 'no reason given'}"
        return self.usage_events(_tokens(value_at(part, "tokens")))


def _tool(part: Json) -> Iterator[HarnessEvent]:
    """OpenCode reports a call when it has ended, so the call and its result are reported together."""
    call, state = text(part, "callID"), object_at(part, "state")
    failed = text(state, "status") == "error"
    yield ToolCall(id=call, name=text(part, "tool"), input=as_text(value_at(state, "input")))
    yield ToolResult(id=call, output=text(state, "error" if failed else "output"), is_error=failed)


def _tokens(usage: object) -> Tokens:
    """Its input excludes tokens read from or written to a cache, and its output excludes reasoning."""
    tokens = read_tokens(usage, input="input", output="output", reasoning="reasoning")
    cache = read_tokens(value_at(usage, "cache"), cached_input="read", cache_write="write")
    return tokens + cache + Tokens(input=cache.cached_input + cache.cache_write, output=tokens.reasoning)


ADAPTER = Adapter(session_folders=(".local/share/opencode",), command=command, reader=OpenCodeReader)
