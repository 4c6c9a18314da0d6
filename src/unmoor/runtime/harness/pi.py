"""Pi: the documentation in its package, https://www.npmjs.com/package/@earendil-works/pi-coding-agent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from unmoor.runtime.events import HarnessEvent, Message, Notice, Tokens, ToolCall, ToolResult

from .json_lines_reader import JsonLinesReader
from .json_values import Json, as_text, items, join_text, object_at, text, tokens, value_at
from .launch_files import PATIENCE_S, RETRIES, TOKEN_VARIABLE, environment, instructions, json_file, program, skills
from .protocol import Command, FileToWrite, LaunchSpec

# Pi's own name of each provider, by which it knows the models' sizes and abilities, and what it wants after the base
# URL.
_PROVIDERS = {
    "anthropic": ("anthropic", ""),
    "openai": ("openai", ""),
    "google": ("google", "/v1beta"),
    "openrouter": ("openrouter", ""),
    "openai-compatible": ("unmoor", ""),
}


class Pi:
    name = "pi"
    session_folders = (".pi/agent/sessions",)

    def command(self, job: LaunchSpec) -> Command:
        return Command(
            argv=(*program(job, "pi"), *_arguments(job), *job.args),
            environment={
                **environment(job),
                "PI_CODING_AGENT_DIR": str(job.home / ".pi/agent"),
                "PI_OFFLINE": "1",
                "PI_SKIP_VERSION_CHECK": "1",
                "PI_TELEMETRY": "0",
                TOKEN_VARIABLE: job.guarded.token,
            },
            stdin=job.prompt.encode(),
            files=tuple(_files(job)),
        )

    def reader(self, job: LaunchSpec) -> PiReader:
        return PiReader(job)


ADAPTER = Pi()


def _arguments(job: LaunchSpec) -> Iterator[str]:
    assert job.model
    yield from ("--print", "--mode", "json", "--provider", _PROVIDERS[job.model.provider][0])
    yield from ("--model", job.model.name)
    yield from ("--session", job.session) if job.session else ("--session-id", job.new_session)


def _files(job: LaunchSpec) -> Iterator[FileToWrite]:
    assert job.model
    yield json_file(job.home / ".pi/agent/models.json", _models(job))
    yield json_file(job.home / ".pi/agent/settings.json", _SETTINGS)
    yield from instructions(job, ".pi/agent/AGENTS.md")
    yield from skills(job, ".pi/agent/skills")


_SETTINGS: dict[str, Any] = {
    "retry": {"enabled": True, "maxRetries": RETRIES, "baseDelayMs": 500},
    "httpIdleTimeoutMs": PATIENCE_S * 1000,
    # Warming keeps a cache by requests of which the agent knows nothing.
    "cacheWarming": "off",
    "enableInstallTelemetry": False,
    "defaultProjectTrust": "never",
}


def _models(job: LaunchSpec) -> dict[str, Any]:
    assert job.model
    name, version = _PROVIDERS[job.model.provider]
    provider: dict[str, Any] = {"baseUrl": job.guarded.model_url + version, "apiKey": f"${TOKEN_VARIABLE}"}
    if name == "unmoor":
        provider |= {"api": "openai-completions", "models": [{"id": job.model.name}]}
    return {"providers": {name: provider}}


class PiReader(JsonLinesReader):
    """Reads `--mode json`: the last message says how it went, agent_settled that it did, the exit code nothing."""

    program = "pi"

    def read(self, value: Json) -> Iterable[HarnessEvent]:
        match text(value, "type"):
            case "session":
                self.session = text(value, "id") or self.session
            case "message_end":
                return self._message(object_at(value, "message"))
            case "tool_execution_start":
                called = as_text(value_at(value, "args"))
                return (ToolCall(id=text(value, "toolCallId"), name=text(value, "toolName"), input=called),)
            case "tool_execution_end":
                output = join_text(value_at(value, "result", "content"))
                is_error = value_at(value, "isError") is True
                return (ToolResult(id=text(value, "toolCallId"), output=output, is_error=is_error),)
            case "auto_retry_start":
                why = text(value, "errorMessage") or "no reason given"
                return (Notice(level="warning", text=f"the model did not answer ({why}); trying again"),)
            case "agent_settled":
                self.settled = True
        return ()

    def _message(self, message: Json) -> Iterator[HarnessEvent]:
        if text(message, "role") != "assistant":
            return
        stopped = text(message, "stopReason")
        self.failure = self._other_model(text(message, "model"))
        if not self.failure and stopped not in ("stop", "toolUse"):
            self.failure = _why(message)
        for block in items(message, "content"):
            if text(block, "type") == "text" and text(block, "text"):
                self.answer = text(block, "text")
                yield Message(text=self.answer)
        yield from self.usage_events(_tokens(value_at(message, "usage")), model=text(message, "model"))

    def _other_model(self, model: str) -> str:
        """It takes a name that it does not know for the likeliest one that it does."""
        if model in ("", self.model):
            return ""
        return f"pi took {model} for {self.model}, which it does not know; write a name that it knows"


def _why(message: Json) -> str:
    return text(message, "errorMessage") or f"the model stopped for {text(message, 'stopReason') or 'no reason given'}"


def _tokens(used: object) -> Tokens:
    """Its input is without what came from a cache or went into one."""
    found = tokens(
        used, input="input", cached_input="cacheRead", cache_write="cacheWrite", output="output", reasoning="reasoning"
    )
    return found + Tokens(input=found.cached_input + found.cache_write)
