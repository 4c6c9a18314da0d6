"""Whatever comes in, the guard answers or breaks off; it never fails. Seeds are fixed, so that a failure comes again."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from typing import Any

import pytest
from agents import agent, opened
from clients import connected
from world import GRANT

from unmoor.runtime.events import GuardEvent, Notice
from unmoor.runtime.guard.build import GuardSettings
from unmoor.runtime.guard.egress.client_hello import NotClientHello, server_name
from unmoor.runtime.guard.model.formats import ReportedUsage, formats_of
from unmoor.runtime.guard.model.request_policy import ModelPolicy, RequestDenied, authorize
from unmoor.runtime.guard.transport.http1 import HttpLimits

pytestmark = pytest.mark.slow

PROVIDERS = ("anthropic", "openai", "google")
WORDS = [
    "type",
    "model",
    "tools",
    "tool_result",
    "content",
    "source",
    "url",
    "messages",
    "input",
    "contents",
    "parts",
    "fileData",
    "fileUri",
    "stream",
    "usage",
    "choices",
    "delta",
    "message",
    "mcp_servers",
    "name",
    "function",
    "arguments",
    "image_url",
    "file_url",
    "stream_options",
    "include_usage",
    "output",
    "action",
    "usageMetadata",
    "candidates",
    "groundingMetadata",
    "webSearchQueries",
    "iterations",
    "cache_creation",
    "server_tool_use",
    "response",
    "item",
]
TYPES = [
    "message_start",
    "message_delta",
    "content_block_delta",
    "error",
    "response.completed",
    "image",
    "document",
    "web_search",
    "x",
]


def anything(chance: random.Random, depth: int = 4) -> Any:
    """Some JSON, with words in it that mean something to somebody."""
    kind = chance.randrange(9 if depth else 6)
    if kind < 6:
        return chance.choice([None, True, -1, 3.5, "", chance.choice(WORDS), chance.choice(TYPES), "\ud800", "data:x"])
    if kind == 6:
        return [anything(chance, depth - 1) for _ in range(chance.randrange(4))]
    return {chance.choice(WORDS): anything(chance, depth - 1) for _ in range(chance.randrange(5))}


@pytest.mark.parametrize("start", range(0, 3000, 500))
def test_any_json_is_judged_and_metered_without_a_fault(start: int):
    for seed in range(start, start + 500):
        judged_and_metered(seed)


def judged_and_metered(seed: int) -> None:
    chance = random.Random(seed)
    provider = PROVIDERS[seed % 3]
    body = {"model": "m", **{chance.choice(WORDS): anything(chance) for _ in range(4)}}
    path = {"anthropic": "v1/messages", "openai": "responses", "google": "models/m:generateContent"}[provider]
    if provider == "openai" and seed % 2:
        path = "chat/completions"
    with contextlib.suppress(RequestDenied):
        authorize(ModelPolicy(provider=provider, model="m", web=False), "POST", path, "", json.dumps(body).encode(), "")
    event = {"type": chance.choice(TYPES), **body, "usage": anything(chance, 2), "object": "response"}
    for wire in formats_of(provider):
        said = wire.accumulate_usage(wire.accumulate_usage(ReportedUsage(), event), event)
        assert said.tokens is None or min(said.tokens.input, said.tokens.output, said.tokens.cached_input) >= 0


REQUESTS = (
    f"POST /model/v1/messages HTTP/1.1\r\nHost: x\r\nx-api-key: {GRANT.token}\r\nContent-Length: 12\r\n\r\n"
    + '{"model": 1}',
    f"POST /model/v1/messages HTTP/1.1\r\nHost: x\r\nx-api-key: {GRANT.token}\r\nTransfer-Encoding: chunked\r\n\r\n"
    "5\r\nhello\r\n0\r\n\r\n",
    "CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\nProxy-Authorization: Basic cnVuOng=\r\n\r\n",
    "GET http://example.com/ HTTP/1.1\r\nHost: example.com\r\n\r\n",
)


def mutated(chance: random.Random) -> bytes:
    data = bytearray("".join(chance.choice(REQUESTS) for _ in range(chance.randrange(1, 3))).encode())
    for _ in range(chance.randrange(6)):
        where = chance.randrange(len(data))
        match chance.randrange(4):
            case 0:
                data[where] = chance.randrange(256)
            case 1:
                del data[where : where + chance.randrange(20)]
            case 2:
                data[where:where] = bytes(chance.randrange(256) for _ in range(chance.randrange(8)))
            case _:
                data[where:where] = data[: chance.randrange(60)]
        if not data:
            return b"\r\n"
    return bytes(data)


def test_requests_that_are_broken_anywhere_end_the_connection_and_nothing_else():
    told: list[GuardEvent] = []
    limits = HttpLimits(head_s=0.2, body_s=0.2, idle_s=0.2, linger_s=0.01)

    async def one(port: int, seed: int) -> None:
        async with connected(port) as client:
            with contextlib.suppress(ConnectionError):
                await client.write(mutated(random.Random(seed)))
                while await client.read():
                    pass

    async def main() -> None:
        async with opened(agent(base_url="http://127.0.0.1:9"), told, settings=GuardSettings(http=limits)) as port:
            for start in range(0, 600, 60):
                await asyncio.gather(*(one(port.number, seed) for seed in range(start, start + 60)))

    asyncio.run(asyncio.wait_for(main(), 60))
    assert [event for event in told if isinstance(event, Notice) and "failed in the guard" in event.text] == []


def test_any_bytes_are_tls_or_none():
    for seed in range(2000):
        chance = random.Random(seed)
        data = bytes(chance.randrange(256) for _ in range(chance.randrange(200)))
        message = b"\x01" + len(data).to_bytes(3, "big") + data
        with contextlib.suppress(NotClientHello):
            server_name(data)
        with contextlib.suppress(NotClientHello):
            server_name(b"\x16\x03\x01" + len(message).to_bytes(2, "big") + message)
