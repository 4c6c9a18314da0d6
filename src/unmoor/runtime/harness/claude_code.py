"""Claude Code: https://code.claude.com/docs/en/headless and https://code.claude.com/docs/en/env-vars."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from unmoor.runtime.config import McpServer
from unmoor.runtime.events import HarnessEvent, Message, Notice, Tokens, ToolCall, ToolResult
from unmoor.runtime.json_values import Json, as_text, items, join_text, object_at, text, value_at

from .json_lines_reader import JsonLinesReader, read_tokens
from .launch_files import PATIENCE_S, RETRIES, instructions, json_file, launch_command, skills
from .protocol import Adapter, Command, FileToWrite, LaunchSpec

_MCP_FILE = ".claude/mcp.json"
# Its uses of other models than --model: small tasks, subagents, and aliases that a skill may name.
_MODEL_VARIABLES = (
    "ANTHROPIC_DEFAULT_FABLE_MODEL",
    "ANTHROPIC_DEFAULT_HAIKU_MODEL",
    "ANTHROPIC_DEFAULT_OPUS_MODEL",
    "ANTHROPIC_DEFAULT_SONNET_MODEL",
    "ANTHROPIC_SMALL_FAST_MODEL",
    "CLAUDE_CODE_SUBAGENT_MODEL",
)
# The model of a message that Claude Code wrote itself, such as an error.
_NO_MODEL = "<synthetic>"


def command(launch: LaunchSpec) -> Command:
    """How it is started."""
    return launch_command(launch, "claude", _arguments(launch), variables=_variables(launch), files=_files(launch))


def _arguments(launch: LaunchSpec) -> Iterator[str]:
    yield from ("--print", "--output-format", "stream-json", "--verbose", "--dangerously-skip-permissions")
    yield from ("--model", launch.required_model.name)
    # Without `project` it reads no CLAUDE.md of the workspace. Local settings and the workspace's MCP servers stay out.
    yield from ("--setting-sources", "user,project", "--strict-mcp-config")
    # A run ends with its answer, so nobody would hear a wake-up.
    yield from ("--disallowedTools", ",".join(("ScheduleWakeup", "Monitor", *([] if launch.web else ["WebSearch"]))))
    if launch.mcp_servers:
        yield from ("--mcp-config", str(launch.home / _MCP_FILE))
    yield from ("--resume", launch.session) if launch.session else ("--session-id", launch.new_session)
    yield from launch.args


def _variables(launch: LaunchSpec) -> dict[str, str]:
    return {
        "ANTHROPIC_BASE_URL": launch.guard.model_url,
        "ANTHROPIC_API_KEY": launch.guard.token,
        "API_TIMEOUT_MS": str(PATIENCE_S * 1000),
        # Otherwise a command in the background keeps the run alive after its answer, and its end replaces the answer.
        "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS": "1",
        # A run ends when it is done; triggers start an agent later.
        "CLAUDE_CODE_DISABLE_CRON": "1",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "CLAUDE_CODE_MAX_RETRIES": str(RETRIES),
        # Offers tools of MCP servers directly, instead of through a search that only the provider's own API has.
        "ENABLE_TOOL_SEARCH": "false",
        # As root, it skips permissions only if it is told that it runs in a sandbox.
        "IS_SANDBOX": "1",
        **dict.fromkeys(_MODEL_VARIABLES, launch.required_model.name),
    }


def _files(launch: LaunchSpec) -> Iterator[FileToWrite]:
    # The guard decides which pages may be fetched; the provider's list of them cannot be reached.
    yield json_file(launch.home / ".claude/settings.json", {"skipWebFetchPreflight": True})
    yield from instructions(launch, ".claude/CLAUDE.md")
    yield from skills(launch, ".claude/skills")
    if launch.mcp_servers:
        servers = {server.name: _mcp_server(server) for server in launch.mcp_servers}
        yield json_file(launch.home / _MCP_FILE, {"mcpServers": servers})


def _mcp_server(server: McpServer) -> dict[str, Any]:
    if server.url:
        return {"type": "http", "url": server.url, "headers": dict(server.headers)}
    program, *arguments = server.command
    return {"type": "stdio", "command": program, "args": arguments, "env": dict(server.env)}


class ClaudeCodeReader(JsonLinesReader):
    """Reads stream-json; the last object is a `result`, which may have the subtype success and still be an error."""

    program = "claude"

    def __init__(self, launch: LaunchSpec) -> None:
        super().__init__(launch)
        self.resumed = bool(launch.session)

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
                reason = f"{as_text(value_at(value, 'error_status'))} {text(value, 'error')}".strip()
                yield Notice(level="warning", text=f"the model did not respond ({reason}); retrying")
            case "permission_denied":
                yield Notice(level="warning", text=f"not permitted: {text(value, 'tool_name') or 'a tool'}")

    def _assistant(self, value: Json) -> Iterator[HarnessEvent]:
        if text(value, "message", "model") == _NO_MODEL:
            yield Notice(level="error", text=join_text(value_at(value, "message", "content")))
            return
        for block in items(value, "message", "content"):
            kind, message = text(block, "type"), text(block, "text")
            if kind == "text" and message:
                # A subagent's message is not the answer.
                self.answer = self.answer if text(value, "parent_tool_use_id") else message
                yield Message(text=message)
            elif kind == "tool_use":
                arguments = as_text(value_at(block, "input"))
                yield ToolCall(id=text(block, "id"), name=text(block, "name"), input=arguments)

    def _user(self, value: Json) -> Iterator[HarnessEvent]:
        for block in items(value, "message", "content"):
            if text(block, "type") == "tool_result":
                output = join_text(value_at(block, "content"))
                is_error = value_at(block, "is_error") is True
                yield ToolResult(id=text(block, "tool_use_id"), output=output, is_error=is_error)

    def _result(self, value: Json) -> Iterator[HarnessEvent]:
        self.settled = True
        failed = value_at(value, "is_error") is not False or text(value, "subtype") != "success"
        self.failure = _failure(value) if failed else ""
        self.answer = self.answer if failed else text(value, "result") or self.answer
        if self.resumed:  # usage by model counts from the session's beginning; the sum does not
            yield from self.usage_events(_tokens(value_at(value, "usage")))
            return
        for model, usage in object_at(value, "modelUsage").items():
            yield from self.usage_events(_model_tokens(usage), model=model)


def _failure(result: Json) -> str:
    kind = text(result, "subtype").replace("success", "") or text(result, "terminal_reason") or "error"
    errors = value_at(result, "errors")
    listed = "; ".join(e for e in errors if isinstance(e, str)) if isinstance(errors, list) else ""
    detail = text(result, "result") or listed
    return f"claude: {kind}" + (f": {detail}" if detail else "")


def _model_tokens(usage: object) -> Tokens:
    return _with_cache(
        read_tokens(
            usage,
            input="inputTokens",
            cached_input="cacheReadInputTokens",
            cache_write="cacheCreationInputTokens",
            output="outputTokens",
            reasoning="thinkingTokens",
        )
    )


def _tokens(usage: object) -> Tokens:
    tokens = read_tokens(
        usage,
        input="input_tokens",
        cached_input="cache_read_input_tokens",
        cache_write="cache_creation_input_tokens",
        output="output_tokens",
    )
    return _with_cache(tokens + read_tokens(value_at(usage, "output_tokens_details"), reasoning="thinking_tokens"))


def _with_cache(tokens: Tokens) -> Tokens:
    """Its input tokens exclude those read from or written to a cache."""
    return tokens + Tokens(input=tokens.cached_input + tokens.cache_write)


ADAPTER = Adapter(session_folders=(".claude/projects",), command=command, reader=ClaudeCodeReader)
