"""Claude Code: https://code.claude.com/docs/en/headless and https://code.claude.com/docs/en/env-vars."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from unmoor.runtime.config import McpServer
from unmoor.runtime.events import HarnessEvent, Message, Notice, Tokens, ToolCall, ToolResult

from .json_lines_reader import JsonLinesReader
from .json_values import Json, as_text, items, join_text, object_at, text, tokens, value_at
from .launch_files import PATIENCE_S, RETRIES, environment, instructions, json_file, program, skills
from .protocol import Command, FileToWrite, LaunchSpec

_MCP_FILE = ".claude/mcp.json"
# Every use that it makes of another model than --model: small tasks, subagents, and aliases that a skill may name.
_MODEL_VARIABLES = (
    "ANTHROPIC_DEFAULT_FABLE_MODEL",
    "ANTHROPIC_DEFAULT_HAIKU_MODEL",
    "ANTHROPIC_DEFAULT_OPUS_MODEL",
    "ANTHROPIC_DEFAULT_SONNET_MODEL",
    "ANTHROPIC_SMALL_FAST_MODEL",
    "CLAUDE_CODE_SUBAGENT_MODEL",
)
# The model of a message that no model wrote: why there is none.
_ITS_OWN_VOICE = "<synthetic>"


class ClaudeCode:
    name = "claude-code"
    session_folders = (".claude/projects",)

    def command(self, job: LaunchSpec) -> Command:
        return Command(
            argv=(*program(job, "claude"), *_arguments(job), *job.args),
            environment={**environment(job), **_own_environment(job)},
            stdin=job.prompt.encode(),
            files=tuple(_files(job)),
        )

    def reader(self, job: LaunchSpec) -> ClaudeCodeReader:
        return ClaudeCodeReader(job)


ADAPTER = ClaudeCode()


def _arguments(job: LaunchSpec) -> Iterator[str]:
    assert job.model
    yield from ("--print", "--output-format", "stream-json", "--verbose", "--dangerously-skip-permissions")
    yield from ("--model", job.model.name)
    # Without `project` no CLAUDE.md of the workspace is read either. Its local settings and MCP servers stay out.
    yield from ("--setting-sources", "user,project", "--strict-mcp-config")
    if not job.web:
        yield from ("--disallowedTools", "WebSearch")
    if job.mcp_servers:
        yield from ("--mcp-config", str(job.home / _MCP_FILE))
    yield from ("--resume", job.session) if job.session else ("--session-id", job.new_session)


def _own_environment(job: LaunchSpec) -> dict[str, str]:
    assert job.model
    return {
        "ANTHROPIC_BASE_URL": job.guarded.model_url,
        "ANTHROPIC_API_KEY": job.guarded.token,
        "API_TIMEOUT_MS": str(PATIENCE_S * 1000),
        # A run ends when it is done; what wakes an agent later is a trigger.
        "CLAUDE_CODE_DISABLE_CRON": "1",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "CLAUDE_CODE_MAX_RETRIES": str(RETRIES),
        # Tools of MCP servers are offered as they are, instead of behind a search that only the provider's own API has.
        "ENABLE_TOOL_SEARCH": "false",
        # It refuses to skip permissions as root unless it is told that something else confines it.
        "IS_SANDBOX": "1",
        **dict.fromkeys(_MODEL_VARIABLES, job.model.name),
    }


def _files(job: LaunchSpec) -> Iterator[FileToWrite]:
    # Whether a page may be fetched is the fence's to say; the provider's list of them cannot be reached.
    yield json_file(job.home / ".claude/settings.json", {"skipWebFetchPreflight": True})
    yield from instructions(job, ".claude/CLAUDE.md")
    yield from skills(job, ".claude/skills")
    if job.mcp_servers:
        servers = {server.name: _mcp_server(server) for server in job.mcp_servers}
        yield json_file(job.home / _MCP_FILE, {"mcpServers": servers})


def _mcp_server(server: McpServer) -> dict[str, Any]:
    if server.url:
        return {"type": "http", "url": server.url, "headers": dict(server.headers)}
    command, *arguments = server.command
    return {"type": "stdio", "command": command, "args": arguments, "env": dict(server.env)}


class ClaudeCodeReader(JsonLinesReader):
    """Reads stream-json; the last word is a `result`, which may be called a success and still be an error."""

    program = "claude"

    def __init__(self, job: LaunchSpec) -> None:
        super().__init__(job)
        self.resumed = bool(job.session)

    def read(self, value: Json) -> Iterable[HarnessEvent]:
        self.session = text(value, "session_id") or self.session
        match text(value, "type"):
            case "system":
                return self._system(value)
            case "assistant":
                return self._assistant(value)
            case "user":
                return self._user(value)
            case "result":
                return self._result(value)
        return ()

    def _system(self, value: Json) -> Iterator[HarnessEvent]:
        match text(value, "subtype"):
            case "init":
                for server in items(value, "mcp_servers"):
                    if text(server, "status") == "failed":
                        yield Notice(level="warning", text=f"MCP server {text(server, 'name')} did not start")
            case "api_retry":
                why = f"{as_text(value_at(value, 'error_status'))} {text(value, 'error')}".strip()
                yield Notice(level="warning", text=f"the model did not answer ({why}); trying again")
            case "permission_denied":
                yield Notice(level="warning", text=f"not permitted: {text(value, 'tool_name') or 'a tool'}")

    def _assistant(self, value: Json) -> Iterator[HarnessEvent]:
        if text(value, "message", "model") == _ITS_OWN_VOICE:
            yield Notice(level="error", text=join_text(value_at(value, "message", "content")))
            return
        for block in items(value, "message", "content"):
            match text(block, "type"):
                case "text":
                    yield from self._said(text(block, "text"), by_agent=not text(value, "parent_tool_use_id"))
                case "tool_use":
                    called = as_text(value_at(block, "input"))
                    yield ToolCall(id=text(block, "id"), name=text(block, "name"), input=called)

    def _said(self, said: str, *, by_agent: bool) -> Iterator[HarnessEvent]:
        """A subagent's words are not the answer."""
        if said:
            self.answer = said if by_agent else self.answer
            yield Message(text=said)

    def _user(self, value: Json) -> Iterator[HarnessEvent]:
        for block in items(value, "message", "content"):
            if text(block, "type") == "tool_result":
                output = join_text(value_at(block, "content"))
                is_error = value_at(block, "is_error") is True
                yield ToolResult(id=text(block, "tool_use_id"), output=output, is_error=is_error)

    def _result(self, value: Json) -> Iterator[HarnessEvent]:
        self.settled = True
        failed = value_at(value, "is_error") is not False or text(value, "subtype") != "success"
        self.failure = _why(value) if failed else ""
        self.answer = self.answer if failed else text(value, "result") or self.answer
        if self.resumed:  # what is told per model counts from the session's beginning; the sum does not
            yield from self.usage_events(_sum(value_at(value, "usage")))
            return
        for model, used in object_at(value, "modelUsage").items():
            yield from self.usage_events(_per_model(used), model=model)


def _why(result: Json) -> str:
    """The kind of the end, and what was said of it."""
    kind = text(result, "subtype").replace("success", "") or text(result, "terminal_reason") or "error"
    errors = value_at(result, "errors")
    listed = "; ".join(e for e in errors if isinstance(e, str)) if isinstance(errors, list) else ""
    said = text(result, "result") or listed
    return f"claude: {kind}" + (f": {said}" if said else "")


def _per_model(used: object) -> Tokens:
    return _whole_input(
        tokens(
            used,
            input="inputTokens",
            cached_input="cacheReadInputTokens",
            cache_write="cacheCreationInputTokens",
            output="outputTokens",
            reasoning="thinkingTokens",
        )
    )


def _sum(used: object) -> Tokens:
    found = tokens(
        used,
        input="input_tokens",
        cached_input="cache_read_input_tokens",
        cache_write="cache_creation_input_tokens",
        output="output_tokens",
    )
    return _whole_input(found + tokens(value_at(used, "output_tokens_details"), reasoning="thinking_tokens"))


def _whole_input(found: Tokens) -> Tokens:
    """Its input tokens are those that no cache had a part in."""
    return found + Tokens(input=found.cached_input + found.cache_write)
