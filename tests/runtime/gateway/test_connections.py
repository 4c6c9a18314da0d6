"""A gateway answers in time whatever its other clients do: half heads, heads too large, idle connections."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from test_serve import SPEC, Serving, agent_in, environment, process

from unmoor.runtime.http.connections import accept_limit, connection_limit
from unmoor.runtime.http.server import bind_tcp, serve_app

HALF = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Half: "


@contextlib.contextmanager
def few_files(count: int) -> Iterator[None]:
    """Children of this process may open only so many files."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (count, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@contextlib.contextmanager
def gateway_process(folder: Path, env: dict[str, str]) -> Iterator[Serving]:
    """A gateway in a new process: a forked one would have the limits of the process that it is forked from."""

    def ready(running: subprocess.Popen[str]) -> str:
        url = f"http://127.0.0.1:{env['PORT']}"
        while running.poll() is None:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/readyz", timeout=5):
                return url
            time.sleep(0.05)
        raise AssertionError((folder / "told").read_text())

    with process([sys.executable, "-P", "-m", "unmoor.runtime", "serve"], env, folder / "told", ready) as serving:
        yield serving


@pytest.mark.process
@pytest.mark.parametrize("beginning", [HALF, b"", b"POST /runs HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"])
def test_300_unfinished_requests_leave_a_gateway_with_256_files_quick(tmp_path: Path, beginning: bytes) -> None:
    env = environment(tmp_path, agent_in(tmp_path, **SPEC))
    opened: list[socket.socket] = []
    with few_files(256), gateway_process(tmp_path, env) as serving:
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        try:
            for _ in range(300):
                opened.append(socket.create_connection(("127.0.0.1", int(env["PORT"])), timeout=5))
                opened[-1].sendall(beginning)
            for _ in range(5):
                begun = time.perf_counter()
                with urllib.request.urlopen(f"{serving.url}/healthz", timeout=3) as answer:
                    assert answer.status == 200
                assert time.perf_counter() - begun < 1
        finally:
            for each in opened:
                each.close()


async def say(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"{len(await request.body())}")


def answered(*parts: bytes, head_s: float = 20, until: bytes = b"") -> bytes:
    """Everything that a server with this deadline sends on one connection."""

    async def act() -> bytes:
        app = Starlette(routes=[Route("/", say, methods=["GET", "POST"])])
        async with (
            serve_app(app, bind_tcp("127.0.0.1", 0), closing=asyncio.Event(), head_s=head_s) as port,
            asyncio.timeout(5),
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            data = b""
            with contextlib.suppress(ConnectionError):
                for part in parts:
                    writer.write(part)
                    await writer.drain()
                    await asyncio.sleep(0.01)
                while (more := await reader.read(65536)) and not (until and until in data + more):
                    data += more
                data += more
            writer.close()
            return data

    return asyncio.run(act())


def test_a_head_that_never_ends_is_given_up() -> None:
    assert answered(HALF, head_s=0.05) == b""
    assert answered(*(HALF[n : n + 1] for n in range(12)), head_s=0.05) == b""


def test_the_second_head_of_a_connection_has_a_deadline_too() -> None:
    data = answered(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", HALF, head_s=0.05)
    assert data.count(b"HTTP/1.1 200 OK") == 1


def test_a_request_whose_head_is_whole_may_take_longer() -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 12\r\n\r\n"
    assert answered(head, *[b"a"] * 12, head_s=0.05).endswith(b"\r\n\r\n12")


@pytest.mark.parametrize(
    ("headers", "problem"),
    [
        (b"X-Large: " + b"x" * 100_000 + b"\r\n", b"the request's head is larger than 32 KiB"),
        (b"A: b\r\n" * 1000, b"the request has more than 256 headers"),
        (b"A: b\r\n" * 20_000, b""),
    ],
)
def test_a_head_that_is_too_large_is_refused(headers: bytes, problem: bytes) -> None:
    data = answered(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + headers + b"\r\n")
    assert data.startswith((b"HTTP/1.1 431 ", b"HTTP/1.1 400 "))
    assert problem in data


def test_connections_and_their_backlog_leave_files_for_the_rest() -> None:
    with few_files(256):
        assert connection_limit() + 3 * accept_limit() < 256 - 60
