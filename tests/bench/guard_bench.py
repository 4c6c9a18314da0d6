# ruff: noqa: E402
"""What the guard adds to a first token, and what 200 streams at once need. Provider and guard are processes of their own."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / part) for part in ("helpers", "runtime", "runtime/guard")]

import test_guard_process
from agents import read_answer, request
from clients import connected
from test_guard_process import GRANT, environment, free_port, guard

from unmoor.runtime.config import read_config
from unmoor.runtime.guard.build import open_guard
from unmoor.runtime.guard.model.request_policy import ModelPolicy, authorize
from unmoor.runtime.guard.transport.link_client import connect_guard
from unmoor.runtime.guard.transport.types import ConnectionHandler
from unmoor.runtime.run.guard_port import GuardPort
from unmoor.runtime.store import open_store

# Tests fork their processes from one of pytest's.
test_guard_process.AGENT = [sys.executable, "-P", "-m", "unmoor.runtime"]
REQUESTS = 300
STREAMS = 200
EVENTS = 200
BODY = {
    "model": "claude-sonnet-4-5",
    "stream": True,
    "max_tokens": 1000,
    "messages": [{"role": "user", "content": "x" * 50_000}],
}


def main() -> None:
    """Prints one line for each measure: median, spread, the goal."""
    print(f"guard: {os.cpu_count()} cores, median of {REQUESTS} requests [10th to 90th of 100]")
    shown("a body of 1 MB, read and checked (goal 10 ms)", [checked() for _ in range(20)])
    with tempfile.TemporaryDirectory() as folder, provider() as url:
        variables = environment(Path(folder), url)
        with guard(variables) as process:
            asyncio.run(first_tokens(url, variables))
            before = memory(process.pid)
            took, own = asyncio.run(streams(f"http://127.0.0.1:{variables['PORT']}"))
            print(f"{f'{STREAMS} streams of {EVENTS} events through one guard':<56} {took:.1f} s, all whole")
            print(f"{'guard, memory when idle':<56} {before} MB")
            print(f"{f'guard, peak memory with {STREAMS} streams (goal 120 MB)':<56} {memory(process.pid)} MB")
            print(f"{'all of the run side of it, and of this bench':<56} {own} MB")


def checked() -> float:
    """Seconds to read and check a conversation of 250 turns with 4 kB of text each."""
    text = {"role": "user", "content": [{"type": "text", "text": "a line of text\n" * 270}]}
    body = json.dumps({**BODY, "messages": [text] * 250}).encode()
    policy = ModelPolicy(provider="anthropic", model=BODY["model"], web=False)
    start = time.perf_counter()
    authorize(policy, "POST", "v1/messages", "", body, "")
    return time.perf_counter() - start


async def first_tokens(url: str, variables: dict[str, str]) -> None:
    """The time from a request to the first byte of its answer's content: direct, and by each way."""
    direct = await measured("first token, direct", int(url.rsplit(":", 1)[1]), prefix=b"")
    async with door_inside(variables) as door, GuardPort(door, GRANT, ignored) as port:
        compared("first token, guard inside (goal +5 ms)", await measured("", port.number), direct)
    link = connect_guard(f"http://127.0.0.1:{variables['PORT']}")
    async with GuardPort(link, GRANT, ignored) as port:
        compared("first token, guard behind a link (goal +5 ms)", await measured("", port.number), direct)


@contextlib.asynccontextmanager
async def door_inside(variables: dict[str, str]) -> AsyncIterator[ConnectionHandler]:
    store = open_store(variables["UNMOOR_STORE"])
    stored = await store.get(f"bundles/{variables['UNMOOR_BUNDLE']}.tar")
    assert stored
    async with open_guard(read_config(member(stored.content)), store=store, key="k" * 40) as door:
        yield door


def member(archive: bytes) -> bytes:
    """The bundle's config.json."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        found = tar.extractfile("config.json")
        assert found
        return found.read()


async def measured(title: str, port: int, *, prefix: bytes = b"/model") -> list[float]:
    """Seconds to the first token, each request on a connection of its own."""
    took = [await first_token(port, prefix) for _ in range(REQUESTS + 20)][20:]
    if title:
        shown(title, took)
    return took


async def first_token(port: int, prefix: bytes) -> float:
    sent = request("v1/messages", BODY, token=GRANT.token, headers={"x-events": "1"}).replace(
        b" /model", b" " + prefix, 1
    )
    start = time.perf_counter()
    async with connected(port) as client:
        await client.write(sent)
        data = b""
        while b"message_start" not in data:
            data += await client.read()
        return time.perf_counter() - start


def compared(title: str, took: list[float], base: list[float]) -> None:
    shown(title, took)
    added = statistics.median(took) - statistics.median(base)
    print(f"{'':<56} +{added * 1000:.2f} ms, {statistics.median(took) / statistics.median(base):.1f} x direct")


def shown(title: str, took: list[float]) -> None:
    deciles = statistics.quantiles(took, n=10)
    print(f"{title:<56} {statistics.median(took) * 1000:.2f} ms [{deciles[0] * 1000:.2f} to {deciles[-1] * 1000:.2f}]")


async def streams(url: str) -> tuple[float, int]:
    """200 streams at once over links to one guard; the seconds that they took, and this process's memory."""
    async with GuardPort(connect_guard(url), GRANT, ignored) as port:
        start = time.perf_counter()
        answers = await asyncio.gather(*(stream(port.number) for _ in range(STREAMS)))
        took = time.perf_counter() - start
    assert all(answers), "a stream broke"
    return took, memory(os.getpid())


async def stream(port: int) -> bool:
    async with connected(port) as client:
        await client.write(request("v1/messages", BODY, token=GRANT.token, headers={"x-events": str(EVENTS)}))
        return (await read_answer(client)).content.endswith(b'message_stop"}\n\n')


def ignored(event: object) -> None:
    """What the run is told does not matter here."""


def memory(pid: int) -> int:
    """The most that a process has had in memory, in MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) // 1024


@contextlib.contextmanager
def provider() -> Iterator[str]:
    """A provider that answers at once, in a process of its own; its URL."""
    port = free_port()
    process = subprocess.Popen([sys.executable, __file__, str(port)], stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with contextlib.suppress(OSError):
                asyncio.run(reachable(port))
                break
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


async def reachable(port: int) -> None:
    async with connected(port):
        pass


def serve(port: int) -> None:
    """Streams: a beginning, as many events as are asked for, 10 ms apart where there are many, and an end."""
    from aiohttp import web

    def event(**values: object) -> bytes:
        return f"event: {values['type']}\ndata: {json.dumps(values)}\n\n".encode()

    async def answer(asked: web.Request) -> web.StreamResponse:
        await asked.read()
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(asked)
        count = int(asked.headers["x-events"])
        await response.write(event(type="message_start", message={"usage": {"input_tokens": 9, "output_tokens": 1}}))
        for _ in range(count):
            await response.write(
                event(type="content_block_delta", index=0, delta={"type": "text_delta", "text": "abc "})
            )
            await asyncio.sleep(0.01 if count > 1 else 0)
        await response.write(event(type="message_delta", usage={"output_tokens": count}))
        await response.write(event(type="message_stop"))
        return response

    app = web.Application()
    app.router.add_post("/{path:.*}", answer)
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None)


if __name__ == "__main__":
    serve(int(sys.argv[1])) if len(sys.argv) > 1 else main()
