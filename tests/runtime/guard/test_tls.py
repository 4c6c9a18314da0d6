"""The provider is reached by TLS whose certificate is valid for its name; the way out passes real TLS."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trustme
from agents import Answer, agent, ask, opened, run
from aiohttp import ClientSession, TCPConnector, web
from world import GRANT, World, guarded

from unmoor.runtime.events import GuardEvent
from unmoor.runtime.guard.build import GuardSettings

BODY = {"model": "claude-sonnet-4-5", "messages": []}
pytestmark = pytest.mark.usefixtures("route")


@asynccontextmanager
async def secured(authority: trustme.CA, *names: str, seen: list[str]) -> AsyncIterator[int]:
    """A provider with a certificate for these names; its port."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        seen.append(request.headers.get("x-api-key", ""))
        return web.json_response({"type": "message", "content": [], "usage": {"input_tokens": 1, "output_tokens": 1}})

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(*names).configure_cert(context)
    server = web.Server(answer, access_log=None)
    listening = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0, ssl=context)
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()
        await server.shutdown(0.1)


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def asked(names: tuple[str, ...], *, trust: bool, seen: list[str]) -> Answer:
    authority = trustme.CA()

    async def main() -> Answer:
        settings = GuardSettings(trust=trusting(authority)) if trust else None
        async with (
            secured(authority, *names, seen=seen) as number,
            opened(agent(base_url=f"https://localhost:{number}"), [], settings=settings) as port,
        ):
            return await ask(port, "v1/messages", BODY)

    return run(main())


def test_a_provider_whose_certificate_is_valid_is_spoken_to():
    seen: list[str] = []
    assert asked(("localhost",), trust=True, seen=seen).status == 200
    assert len(seen) == 1


@pytest.mark.parametrize(("names", "trust"), [(("other.example",), True), (("localhost",), False)])
def test_a_provider_whose_certificate_is_not_never_sees_the_key(names: tuple[str, ...], trust: bool):
    seen: list[str] = []
    answer = asked(names, trust=trust, seen=seen)
    assert answer.status == 502
    assert answer.json["error"]["message"] == ("unmoor: the model's provider failed: its certificate is invalid")
    assert seen == []


def test_a_client_of_the_way_out_speaks_tls_with_the_host_itself():
    authority, told, seen = trustme.CA(), list[GuardEvent](), list[str]()
    world = World(names={"api.example.com": ["93.184.216.34"]})

    async def main() -> Any:
        async with (
            secured(authority, "api.example.com", seen=seen) as world.port,
            guarded(world, told, egress=["*.example.com"]) as port,
            ClientSession(connector=TCPConnector(ssl=trusting(authority))) as client,
        ):
            proxy = f"http://run:{GRANT.token}@127.0.0.1:{port.number}"
            async with client.get("https://api.example.com/", proxy=proxy) as answer:
                return await answer.json()

    assert run(main())["type"] == "message"
    assert told == []
    assert world.dialled == [("93.184.216.34", 443)]
