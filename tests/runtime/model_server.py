"""A model server on loopback: speaks the four wire formats, says what a test scripts, remembers what it was asked.

    with model_server(Shell("echo hi > out.txt"), Text("done")) as server:
        ...  # server.url is the root: /v1/messages, /v1/responses, /v1/chat/completions, /v1beta/models/M:generateContent
        assert server.requests[0].body["model"] == "m"

Each model request, whatever its format, takes the next turn of the script; the last turn is repeated for ever.
`count_tokens` and lists of models are answered aside and take no turn. The server has a thread and a loop of its own,
so that it serves tests with and without asyncio. For a server that is not there, use `refusing_url()`.
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web
from model_formats import Answer, Format, Gemini, ToolUse, format_of

from unmoor.runtime.events import Tokens

TOKENS = Tokens(input=1200, cached_input=200, output=34, reasoning=7)
# What each harness calls its shell, and the argument that takes the command line.
SHELLS = {
    "Bash": "command",
    "bash": "command",
    "exec_command": "cmd",
    "run_shell_command": "command",
    "shell": "command",
    "developer__shell": "command",
}
# How far an answer gets before it stops: not even a status line, the head, or half of the body.
Point = Literal["nothing", "head", "half"]


@dataclass(frozen=True, slots=True)
class Text:
    """The model says this; sent in pieces of `piece` characters."""

    text: str
    tokens: Tokens = field(default=TOKENS, kw_only=True)
    piece: int = field(default=8, kw_only=True)


@dataclass(frozen=True, slots=True)
class Ends:
    """The model says this and ends so, in the format's own word; with `empty` it says nothing, and with `unsaid` its
    stream just stops, without a word for its end."""

    how: Literal["length", "refused", "empty", "unsaid"]
    text: str = "half of it"


# The words of each format, by the ending of its path.
WORDS = {
    "/messages": {"length": "max_tokens", "refused": "refusal"},
    "/chat/completions": {"length": "length", "refused": "content_filter"},
    "/responses": {"length": "max_output_tokens", "refused": "content_filter"},
    "Content": {"length": "MAX_TOKENS", "refused": "SAFETY"},
}


@dataclass(frozen=True, slots=True)
class Shell:
    """The model calls the harness's own shell tool, under the name that the request offers it by."""

    command: str
    tokens: Tokens = field(default=TOKENS, kw_only=True)


@dataclass(frozen=True, slots=True)
class Call:
    """The model calls the offered tool whose name ends so."""

    ending: str
    arguments: Mapping[str, Any]
    tokens: Tokens = field(default=TOKENS, kw_only=True)


@dataclass(frozen=True, slots=True)
class Refuse:
    """The server answers with this status, in the format's own error body."""

    status: int
    message: str = "no"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Stall:
    """The server gets this far and waits until `server.go_on()`; then it says the rest of `text`."""

    at: Point
    text: str = "late but whole"
    tokens: Tokens = field(default=TOKENS, kw_only=True)


@dataclass(frozen=True, slots=True)
class Break:
    """The server gets this far and closes the connection."""

    at: Point
    text: str = "half an answer, and no more of it"
    tokens: Tokens = field(default=TOKENS, kw_only=True)


@dataclass(frozen=True, slots=True)
class ErrorInStream:
    """The stream begins well and then says that it failed."""

    message: str = "overloaded"
    text: str = "half an answer, and then"


Turn = Text | Ends | Shell | Call | Refuse | Stall | Break | ErrorInStream


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as it came; `headers` by lower-case name, `body` decoded where it is JSON."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    raw: bytes
    body: Any

    @property
    def key(self) -> str:
        """The key that it carries, in whichever header its format puts it."""
        bearer = self.headers.get("authorization", "").removeprefix("Bearer ")
        return self.headers.get("x-api-key") or self.headers.get("x-goog-api-key") or bearer

    @property
    def is_model_call(self) -> bool:
        return format_of(self.path) is not None

    @property
    def text(self) -> str:
        """The body as text, for looking for a word in it."""
        return json.dumps(self.body, ensure_ascii=False)


class ModelServer:
    """See the module. Everything that it was asked is in `asked`; the model calls among it in `requests`."""

    def __init__(self, *script: Turn) -> None:
        self.asked: list[Asked] = []
        self.script = list(script)
        self.url = ""
        self.faults: list[str] = []
        self._taken = 0
        self._lock = threading.Lock()
        self._loop = asyncio.new_event_loop()
        self._gate = asyncio.Event()

    @property
    def requests(self) -> list[Asked]:
        return [asked for asked in self.asked if asked.is_model_call]

    def go_on(self) -> None:
        """Lets every stalled answer, and every later one, go on."""
        self._loop.call_soon_threadsafe(self._gate.set)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """aiohttp's handler of everything."""
        asked = await _asked(request)
        self.asked.append(asked)
        wire = format_of(asked.path)
        if request.method == "GET" and asked.path.rstrip("/").endswith("/models"):
            return web.json_response({"object": "list", "data": [], "models": []})
        if asked.path.endswith("/count_tokens"):
            return web.json_response({"input_tokens": len(asked.raw) // 4})
        if request.method != "POST" or wire is None:
            return web.json_response({"error": {"message": f"nothing at {asked.path}"}}, status=404)
        return await self._answer(request, asked, wire, self._next_turn())

    def _next_turn(self) -> Turn:
        with self._lock:
            turn = self.script[min(self._taken, len(self.script) - 1)]
            self._taken += 1
            return turn

    async def _answer(self, request: web.BaseRequest, asked: Asked, wire: Format, turn: Turn) -> web.StreamResponse:
        if isinstance(turn, Refuse):
            return web.json_response(wire.error(turn.status, turn.message), status=turn.status, headers=turn.headers)
        try:
            frames, kind = _frames(asked, wire, turn)
        except LookupError as fault:
            self.faults.append(str(fault))
            return web.json_response(wire.error(500, str(fault)), status=500)
        stop = turn if isinstance(turn, Stall | Break) else None
        if stop and stop.at == "nothing":
            await self._stop(request, stop)
        response = web.StreamResponse(headers={"content-type": kind, "cache-control": "no-cache"})
        await response.prepare(request)
        if stop and stop.at == "head":
            await self._stop(request, stop)
        for number, frame in enumerate(frames):
            if stop and stop.at == "half" and number == len(frames) // 2:
                await self._stop(request, stop)
            await response.write(frame)
        await response.write_eof()
        return response

    async def _stop(self, request: web.BaseRequest, stop: Stall | Break) -> None:
        if isinstance(stop, Stall):
            await self._gate.wait()
        else:
            assert request.transport
            request.transport.close()
            raise asyncio.CancelledError("the connection is gone")

    async def run(
        self, started: threading.Event, ended: asyncio.Event, host: str, port: int, tls: ssl.SSLContext | None
    ) -> None:
        """Serves from `started` to `ended`."""
        server = web.Server(self.handle, access_log=None)
        listening = await self._loop.create_server(server, host, port, backlog=512, ssl=tls)
        self.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        started.set()
        await ended.wait()
        self._gate.set()
        listening.close()
        transports = [connection.transport for connection in server.connections if connection.transport]
        await server.shutdown(0.2)
        for transport in transports:
            transport.abort()  # also what waits for a client that does not read
        await asyncio.sleep(0)  # they close in the loop's next turn, and the loop ends with this


@contextmanager
def model_server(
    *script: Turn, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> Iterator[ModelServer]:
    """A server that is up within the block and gone, with its thread, after it; a container serves its network."""
    server = ModelServer(*script)
    started, ended = threading.Event(), asyncio.Event()
    serving = server.run(started, ended, host, port, tls)
    thread = threading.Thread(target=server._loop.run_until_complete, args=(serving,), daemon=True, name="model server")
    thread.start()
    assert started.wait(10)
    try:
        yield server
    finally:
        server._loop.call_soon_threadsafe(ended.set)
        thread.join(10)
        server._loop.close()
    assert not server.faults, f"the script asked for what was not offered: {server.faults}"


def refusing_url() -> str:
    """The URL of a loopback port that refuses connections."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


async def _asked(request: web.BaseRequest) -> Asked:
    raw = await request.content.read()
    try:
        body = json.loads(raw) if raw else None
    except ValueError:
        body = None
    return Asked(
        method=request.method,
        path=request.path,
        query=request.query_string,
        headers={name.lower(): value for name, value in request.headers.items()},
        raw=raw,
        body=body,
    )


def _frames(asked: Asked, wire: Format, turn: Turn) -> tuple[list[bytes], str]:
    """The answer's bytes, in the pieces that they are sent in, and their content type."""
    assert not isinstance(turn, Refuse)
    answer = _said(asked, wire, turn)
    streams = bool(asked.body.get("stream")) or asked.path.endswith(":streamGenerateContent")
    if isinstance(wire, Gemini) and streams and "alt=sse" not in asked.query:
        return _cut(json.dumps(wire.chunks(answer)).encode()), "application/json"
    if not streams:
        return _cut(json.dumps(wire.body(answer)).encode()), "application/json"
    frames = wire.stream(answer)
    if turn == Ends("unsaid"):
        frames = frames[: len(frames) // 2]
    if isinstance(turn, ErrorInStream):
        frames = [*frames[: len(frames) // 2], wire.error_frame(turn.message)]
    return frames, "text/event-stream"


def _cut(body: bytes) -> list[bytes]:
    middle = len(body) // 2
    return [body[:middle], body[middle:]]


def _said(asked: Asked, wire: Format, turn: Text | Ends | Shell | Call | Stall | Break | ErrorInStream) -> Answer:
    tokens = TOKENS if isinstance(turn, ErrorInStream | Ends) else turn.tokens
    model = (asked.body or {}).get("model") or asked.path.rsplit("/", 1)[-1].partition(":")[0]
    if isinstance(turn, Shell | Call):
        offered = wire.tools(asked.body)
        tool = _shell(turn, offered) if isinstance(turn, Shell) else _tool(turn, offered)
        return Answer(pieces=(), tool=tool, tokens=tokens, model=model)
    if isinstance(turn, Ends):
        words = next(words for ending, words in WORDS.items() if asked.path.endswith(ending))
        pieces = () if turn.how == "empty" else (turn.text,)
        return Answer(pieces=pieces, tool=None, tokens=tokens, model=model, finish=words.get(turn.how, ""))
    size = turn.piece if isinstance(turn, Text) else 4
    pieces = tuple(turn.text[i : i + size] for i in range(0, len(turn.text), size))
    return Answer(pieces=pieces, tool=None, tokens=tokens, model=model)


def _shell(turn: Shell, offered: Mapping[str, str]) -> ToolUse:
    for name, argument in SHELLS.items():
        if name in offered:
            return ToolUse(name=name, arguments={argument: turn.command}, namespace=offered[name])
    if "exec" in offered:
        return _program(f"await tools.exec_command({json.dumps({'cmd': turn.command})})", offered)
    raise LookupError(f"no shell among the tools offered: {', '.join(offered) or 'none'}")


def _tool(turn: Call, offered: Mapping[str, str]) -> ToolUse:
    for name, namespace in offered.items():
        if name.endswith(turn.ending):
            return ToolUse(name=name, arguments=turn.arguments, namespace=namespace)
    if "exec" in offered:
        name = f"ALL_TOOLS.find(t => t.name.endsWith({json.dumps(turn.ending)})).name"
        return _program(f"await tools[{name}]({json.dumps(dict(turn.arguments))})", offered)
    raise LookupError(f"no tool ends in {turn.ending}: {', '.join(offered) or 'none'}")


def _program(called: str, offered: Mapping[str, str]) -> ToolUse:
    """A call of the one tool whose input is a program that calls the others."""
    text = f"const r = {called}; text(r)"
    return ToolUse(name="exec", arguments={}, namespace=offered["exec"], free=text)
