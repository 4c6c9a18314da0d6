"""Pi: the documentation in its package, https://www.npmjs.com/package/@earendil-works/pi-coding-agent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from unmoor.runtime.events import HarnessEvent, Message, Notice, Tokens, ToolCall, ToolResult
from unmoor.runtime.json_values import Json, as_text, items, join_text, object_at, text, value_at

from .json_lines_reader import JsonLinesReader, read_tokens
from .launch_files import PATIENCE_S, RETRIES, TOKEN_VARIABLE, instructions, json_file, launch_command, skills
from .protocol import Adapter, Command, FileToWrite, LaunchSpec

# Pi's name of each provider, by which it knows the models' sizes and features, and the suffix of its base URL.
_PROVIDERS = {
    "anthropic": ("anthropic", ""),
    "openai": ("openai", ""),
    "google": ("google", "/v1beta"),
    "openrouter": ("openrouter", ""),
    "openai-compatible": ("unmoor", ""),
}
_SETTINGS: dict[str, Any] = {
    "retry": {"enabled": True, "maxRetries": RETRIES, "baseDelayMs": 500},
    "httpIdleTimeoutMs": PATIENCE_S * 1000,
    # Warming the cache sends requests that the agent does not know of.
    "cacheWarming": "off",
    "enableInstallTelemetry": False,
    "defaultProjectTrust": "never",
}


def command(launch: LaunchSpec) -> Command:
    """How it is started."""
    variables = {
        "PI_CODING_AGENT_DIR": str(launch.home / ".pi/agent"),
        "PI_OFFLINE": "1",
        "PI_SKIP_VERSION_CHECK": "1",
        "PI_TELEMETRY": "0",
        TOKEN_VARIABLE: launch.guard.token,
    }
    return launch_command(launch, "pi", _arguments(launch), variables=variables, files=_files(launch))


def _arguments(launch: LaunchSpec) -> Iterator[str]:
    yield from ("--print", "--mode", "json", "--provider", _PROVIDERS[launch.required_model.provider][0])
    yield from ("--model", launch.required_model.name)
    yield from ("--session", launch.session) if launch.session else ("--session-id", launch.new_session)
    yield from launch.args


def _files(launch: LaunchSpec) -> Iterator[FileToWrite]:
    yield json_file(launch.home / ".pi/agent/models.json", _models(launch))
    yield json_file(launch.home / ".pi/agent/settings.json", _SETTINGS)
    yield from instructions(launch, ".pi/agent/AGENTS.md")
    yield from skills(launch, ".pi/agent/skills")


def _models(launch: LaunchSpec) -> dict[str, Any]:
    name, version = _PROVIDERS[launch.required_model.provider]
    provider: dict[str, Any] = {"baseUrl": launch.guard.model_url + version, "apiKey": f"${TOKEN_VARIABLE}"}
    if name == "unmoor":
        provider |= {"api": "openai-completions", "models": [{"id": launch.required_model.name}]}
    return {"providers": {name: provider}}


class PiReader(JsonLinesReader):
    """Reads `--mode json`: agent_settled is the end, and the last message decides. The exit code means nothing."""

    program = "pi"

    def read(self, value: Json) -> Iterable[HarnessEvent]:
        match text(value, "type"):
            case "session":
                self.session = text(value, "id") or self.session
            case "message_end":
                return self._message(object_at(value, "message"))
            case "tool_execution_start":
                arguments = as_text(value_at(value, "args"))
                return (ToolCall(id=text(value, "toolCallId"), name=text(value, "toolName"), input=arguments),)
            case "tool_execution_end":
                output = join_text(value_at(value, "result", "content"))
                is_error = value_at(value, "isError") is True
                return (ToolResult(id=text(value, "toolCallId"), output=output, is_error=is_error),)
            case "auto_retry_start":
                reason = text(value, "errorMessage") or "no reason given"
                return (Notice(level="warning", text=f"the model did not respond ({reason}); retrying"),)
            case "agent_settled":
                self.settled = True
        return ()

    def _message(self, message: Json) -> Iterator[HarnessEvent]:
        if text(message, "role") != "assistant":
            return
        model, stop = text(message, "model"), text(message, "stopReason")
        self.failure = ""
        if model not in ("", self.model):  # it replaces an unknown model name by the likeliest known one
            self.failure = f"pi does not know {self.model} and used {model}; write a model name that pi knows"
        elif stop not in ("stop", "toolUse"):
            self.failure = text(message, "errorMessage") or f"the model stopped for {stop or 'no reason given'}"
        for block in items(message, "content"):
            if text(block, "type") == "text" and text(block, "text"):
                self.answer = text(block, "text")
                yield Message(text=self.answer)
        yield from self.usage_events(_tokens(value_at(message, "usage")), model=model)


def _tokens(usage: object) -> Tokens:
    """Its input excludes tokens read from or written to a cache."""
    tokens = read_tokens(
        usage, input="input", cached_input="cacheRead", cache_write="cacheWrite", output="output", reasoning="reasoning"
    )
    return tokens + Tokens(input=tokens.cached_input + tokens.cache_write)


ADAPTER = Adapter(session_folders=(".pi/agent/sessions",), command=command, reader=PiReader)
