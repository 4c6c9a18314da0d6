"""The four wire formats of models: an answer as events of a stream or as one body, and an error's body.

Shapes: https://docs.anthropic.com/en/api/messages-streaming, https://platform.openai.com/docs/api-reference/responses-streaming,
https://platform.openai.com/docs/api-reference/chat-streaming, https://ai.google.dev/api/generate-content.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from unmoor.runtime.events import Tokens

Json = dict[str, Any]
__all__ = ["Answer", "Format", "Gemini", "Json", "ToolUse", "format_of"]
_count = itertools.count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolUse:
    """A call of one of the tools that the request offers; `free` is the text of a tool that takes no JSON."""

    name: str
    arguments: Mapping[str, Any]
    namespace: str = ""
    free: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the model says: pieces of text, then perhaps a tool call; `finish` is the provider's word for another end
    than the usual one."""

    pieces: tuple[str, ...]
    tool: ToolUse | None
    tokens: Tokens
    model: str
    finish: str = ""
    id: str = field(default_factory=lambda: f"{next(_count):06d}")

    @property
    def text(self) -> str:
        return "".join(self.pieces)


class Format(Protocol):
    """One wire format."""

    def stream(self, answer: Answer) -> list[bytes]:
        """The answer as the frames of an event stream."""
        ...

    def body(self, answer: Answer) -> Json:
        """The answer as one body."""
        ...

    def error(self, status: int, message: str) -> Json:
        """A refusal's body."""
        ...

    def error_frame(self, message: str) -> bytes:
        """An error in the midst of a stream."""
        ...

    def tools(self, body: Json) -> dict[str, str]:
        """The tools that a request offers: name and namespace."""
        ...


def event(name: str, data: Json) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()


def data(value: Json) -> bytes:
    return f"data: {json.dumps(value)}\n\n".encode()


class Anthropic:
    """POST /v1/messages."""

    def stream(self, answer: Answer) -> list[bytes]:
        return [event(value["type"], value) for value in self._events(answer)]

    def _events(self, answer: Answer) -> Iterator[Json]:
        usage = self._usage(answer.tokens)
        yield {
            "type": "message_start",
            "message": {**self._message(answer), "content": [], "usage": {**usage, "output_tokens": 1}},
        }
        for index, block in enumerate(self._content(answer)):
            empty = {**block, "text": ""} if block["type"] == "text" else {**block, "input": {}}
            yield {"type": "content_block_start", "index": index, "content_block": empty}
            yield {"type": "ping"}
            for delta in self._deltas(block, answer):
                yield {"type": "content_block_delta", "index": index, "delta": delta}
            yield {"type": "content_block_stop", "index": index}
        yield {
            "type": "message_delta",
            "delta": {
                "stop_reason": answer.finish or ("tool_use" if answer.tool else "end_turn"),
                "stop_sequence": None,
            },
            "usage": usage,
        }
        yield {"type": "message_stop"}

    def _deltas(self, block: Json, answer: Answer) -> list[Json]:
        if block["type"] == "text":
            return [{"type": "text_delta", "text": piece} for piece in answer.pieces]
        return [{"type": "input_json_delta", "partial_json": json.dumps(block["input"])}]

    def body(self, answer: Answer) -> Json:
        return {
            **self._message(answer),
            "content": self._content(answer),
            "stop_reason": answer.finish or ("tool_use" if answer.tool else "end_turn"),
            "usage": self._usage(answer.tokens),
        }

    def _message(self, answer: Answer) -> Json:
        head = {"id": f"msg_{answer.id}", "type": "message", "role": "assistant", "model": answer.model}
        return {**head, "stop_reason": None, "stop_sequence": None}

    def _content(self, answer: Answer) -> list[Json]:
        blocks: list[Json] = [{"type": "text", "text": answer.text}] if answer.text else []
        if tool := answer.tool:
            blocks.append(
                {"type": "tool_use", "id": f"toolu_{answer.id}", "name": tool.name, "input": dict(tool.arguments)}
            )
        return blocks

    def _usage(self, tokens: Tokens) -> Json:
        return {
            "input_tokens": tokens.input - tokens.cached_input - tokens.cache_write,
            "cache_read_input_tokens": tokens.cached_input,
            "cache_creation_input_tokens": tokens.cache_write,
            "output_tokens": tokens.output,
        }

    def error(self, status: int, message: str) -> Json:
        kinds = {400: "invalid_request_error", 401: "authentication_error", 429: "rate_limit_error"}
        return {"type": "error", "error": {"type": kinds.get(status, "api_error"), "message": message}}

    def error_frame(self, message: str) -> bytes:
        return event("error", self.error(500, message))

    def tools(self, body: Json) -> dict[str, str]:
        return {tool["name"]: "" for tool in body.get("tools") or []}


class Chat:
    """POST /v1/chat/completions; with usage in the last frame, as stream_options.include_usage asks."""

    def stream(self, answer: Answer) -> list[bytes]:
        deltas: list[Json] = [{"role": "assistant", "content": ""}]
        deltas += [{"content": piece} for piece in answer.pieces]
        if answer.tool:
            deltas.append({"tool_calls": [{"index": 0, **self._call(answer)}]})
        frames: list[Json] = [{"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
        frames.append({"choices": [{"index": 0, "delta": {}, "finish_reason": self._finish(answer)}]})
        frames.append({"choices": [], "usage": self._usage(answer.tokens)})
        head = {"id": f"chatcmpl-{answer.id}", "object": "chat.completion.chunk", "created": 1, "model": answer.model}
        return [*(data({**head, **frame}) for frame in frames), b"data: [DONE]\n\n"]

    def body(self, answer: Answer) -> Json:
        message: Json = {"role": "assistant", "content": answer.text or None}
        if answer.tool:
            message["tool_calls"] = [self._call(answer)]
        return {
            "id": f"chatcmpl-{answer.id}",
            "object": "chat.completion",
            "created": 1,
            "model": answer.model,
            "choices": [{"index": 0, "message": message, "finish_reason": self._finish(answer)}],
            "usage": self._usage(answer.tokens),
        }

    def _call(self, answer: Answer) -> Json:
        assert answer.tool
        function = {"name": answer.tool.name, "arguments": json.dumps(answer.tool.arguments)}
        return {"id": f"call_{answer.id}", "type": "function", "function": function}

    def _finish(self, answer: Answer) -> str:
        return answer.finish or ("tool_calls" if answer.tool else "stop")

    def _usage(self, tokens: Tokens) -> Json:
        return {
            "prompt_tokens": tokens.input,
            "completion_tokens": tokens.output,
            "total_tokens": tokens.input + tokens.output,
            "prompt_tokens_details": {"cached_tokens": tokens.cached_input},
            "completion_tokens_details": {"reasoning_tokens": tokens.reasoning},
        }

    def error(self, status: int, message: str) -> Json:
        kinds = {400: "invalid_request_error", 401: "invalid_api_key", 429: "rate_limit_exceeded"}
        kind = kinds.get(status, "server_error")
        return {"error": {"message": message, "type": kind, "param": None, "code": kind}}

    def error_frame(self, message: str) -> bytes:
        return data(self.error(500, message))

    def tools(self, body: Json) -> dict[str, str]:
        return {tool["function"]["name"]: "" for tool in body.get("tools") or []}


class Responses(Chat):
    """POST /v1/responses."""

    def stream(self, answer: Answer) -> list[bytes]:
        return [
            event(value["type"], {**value, "sequence_number": number})
            for number, value in enumerate(self._events(answer))
        ]

    def _events(self, answer: Answer) -> Iterator[Json]:
        begun = {**self._response(answer), "status": "in_progress", "output": [], "usage": None}
        yield {"type": "response.created", "response": begun}
        yield {"type": "response.in_progress", "response": begun}
        for index, item in enumerate(self._items(answer)):
            at = {"output_index": index, "item_id": item["id"]}
            unfinished = {**item, "status": "in_progress"} | ({"content": []} if "content" in item else {})
            yield {"type": "response.output_item.added", "output_index": index, "item": unfinished}
            yield from self._parts(item, answer, at)
            yield {"type": "response.output_item.done", "output_index": index, "item": item}
        end = "response.incomplete" if answer.finish else "response.completed"
        yield {"type": end, "response": self.body(answer)}

    def _parts(self, item: Json, answer: Answer, at: Json) -> Iterator[Json]:
        if item["type"] == "message":
            part = {**at, "content_index": 0}
            empty = {"type": "output_text", "text": "", "annotations": []}
            yield {"type": "response.content_part.added", **part, "part": empty}
            for piece in answer.pieces:
                yield {"type": "response.output_text.delta", **part, "delta": piece}
            yield {"type": "response.output_text.done", **part, "text": answer.text}
            yield {"type": "response.content_part.done", **part, "part": item["content"][0]}
        else:
            name, member = {
                "function_call": ("function_call_arguments", "arguments"),
                "custom_tool_call": ("custom_tool_call_input", "input"),
            }[item["type"]]
            yield {"type": f"response.{name}.delta", **at, "delta": item[member]}
            yield {"type": f"response.{name}.done", **at, member: item[member]}

    def body(self, answer: Answer) -> Json:
        return {**self._response(answer), "output": self._items(answer), "usage": self._usage(answer.tokens)}

    def _response(self, answer: Answer) -> Json:
        head = {"id": f"resp_{answer.id}", "object": "response", "created_at": 1, "model": answer.model}
        if answer.finish:
            return {**head, "status": "incomplete", "error": None, "incomplete_details": {"reason": answer.finish}}
        return {**head, "status": "completed", "error": None, "incomplete_details": None}

    def _items(self, answer: Answer) -> list[Json]:
        items: list[Json] = []
        if answer.text:
            content = [{"type": "output_text", "text": answer.text, "annotations": []}]
            items.append({"type": "message", "id": f"msg_{answer.id}", "role": "assistant", "content": content})
        if tool := answer.tool:
            call = {"id": f"fc_{answer.id}", "call_id": f"call_{answer.id}", "name": tool.name}
            call |= {"namespace": tool.namespace} if tool.namespace else {}
            if tool.free is None:
                items.append({"type": "function_call", **call, "arguments": json.dumps(tool.arguments)})
            else:
                items.append({"type": "custom_tool_call", **call, "input": tool.free})
        return [{**item, "status": "completed"} for item in items]

    def _usage(self, tokens: Tokens) -> Json:
        return {
            "input_tokens": tokens.input,
            "input_tokens_details": {"cached_tokens": tokens.cached_input},
            "output_tokens": tokens.output,
            "output_tokens_details": {"reasoning_tokens": tokens.reasoning},
            "total_tokens": tokens.input + tokens.output,
        }

    def error_frame(self, message: str) -> bytes:
        error = {"code": "server_error", "message": message}
        failed = {"id": "resp_failed", "object": "response", "status": "failed", "error": error}
        return event("response.failed", {"type": "response.failed", "response": failed})

    def tools(self, body: Json) -> dict[str, str]:
        """Tools stand in `tools`, in a namespace of it, or in an item of the input that adds more."""
        found = list(body.get("tools") or [])
        for item in body.get("input") or []:
            if isinstance(item, dict) and item.get("type") == "additional_tools":
                found += item["tools"]
        names: dict[str, str] = {}
        for tool in found:
            if tool.get("type") == "namespace":
                names |= {inner["name"]: tool["name"] for inner in tool["tools"]}
            elif "name" in tool:
                names[tool["name"]] = ""
        return names


class Gemini:
    """POST /v1beta/models/M:generateContent and :streamGenerateContent."""

    def stream(self, answer: Answer) -> list[bytes]:
        return [data(value) for value in self.chunks(answer)]

    def chunks(self, answer: Answer) -> list[Json]:
        parts: list[Json] = [{"text": piece} for piece in answer.pieces]
        if answer.tool:
            parts.append({"functionCall": {"name": answer.tool.name, "args": dict(answer.tool.arguments)}})
        bodies = [self._body(answer, [part], finished=False) for part in parts]
        return [*bodies, self._body(answer, [{"text": ""}], finished=True)]

    def body(self, answer: Answer) -> Json:
        parts = [part for chunk in self.chunks(answer) for part in chunk["candidates"][0]["content"]["parts"]]
        return self._body(answer, parts, finished=True)

    def _body(self, answer: Answer, parts: list[Json], *, finished: bool) -> Json:
        candidate: Json = {"content": {"role": "model", "parts": parts}, "index": 0}
        if finished:
            candidate["finishReason"] = answer.finish or "STOP"
        tokens = answer.tokens
        usage = {
            "promptTokenCount": tokens.input,
            "cachedContentTokenCount": tokens.cached_input,
            "candidatesTokenCount": tokens.output - tokens.reasoning,
            "thoughtsTokenCount": tokens.reasoning,
            "totalTokenCount": tokens.input + tokens.output,
        }
        head = {"modelVersion": answer.model, "responseId": answer.id}
        return {"candidates": [candidate], "usageMetadata": usage, **head}

    def error(self, status: int, message: str) -> Json:
        kinds = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 429: "RESOURCE_EXHAUSTED"}
        return {"error": {"code": status, "message": message, "status": kinds.get(status, "INTERNAL")}}

    def error_frame(self, message: str) -> bytes:
        return data(self.error(500, message))

    def tools(self, body: Json) -> dict[str, str]:
        declared = [tool.get("functionDeclarations") or [] for tool in body.get("tools") or []]
        return {function["name"]: "" for functions in declared for function in functions}


def format_of(path: str) -> Format | None:
    """The wire format of a path; None for one that is no model call."""
    for ending, found in FORMATS.items():
        if path.endswith(ending):
            return found
    return None


FORMATS: dict[str, Format] = {
    "/messages": Anthropic(),
    "/responses": Responses(),
    "/chat/completions": Chat(),
    ":generateContent": Gemini(),
    ":streamGenerateContent": Gemini(),
}
