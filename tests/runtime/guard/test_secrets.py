"""Neither the provider's key nor a run's token is in anything that the guard writes, answers or tells."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from agents import KEY, Clock, agent, ask, opened, read_answer, request
from clients import connected
from model_server import Break, ErrorInStream, Refuse, Stall, Text, model_server, refusing_url
from world import GRANT

from unmoor.runtime.events import GuardEvent, as_json
from unmoor.runtime.guard.build import GuardSettings, open_guard
from unmoor.runtime.guard.model.provider_client import ProviderClient, SentBody, UpstreamTimes
from unmoor.runtime.redact import encodings
from unmoor.runtime.store import open_store

pytestmark = pytest.mark.slow

BODY: dict[str, Any] = {"model": "claude-sonnet-4-5", "stream": True, "messages": []}
SETTINGS = GuardSettings(upstream=UpstreamTimes(soon_s=0.1, whole_s=0.1, idle_s=0.1))
# What a harness may send that has a secret in it, where it might come back from.
ODD = (
    {"path": f"v1/{KEY}", "body": BODY},
    {"path": f"v1/messages?x={GRANT.token}", "body": BODY},
    {"path": "v1/messages", "body": {"model": GRANT.token}},
    {"path": "v1/messages", "body": GRANT.token.encode()},
    {"path": "v1/messages", "body": BODY, "token": "another"},
    {"path": "v1/messages", "body": BODY, "headers": {"content-encoding": GRANT.token}},
)
SCRIPTS = (
    Text("x"),
    Refuse(401, f"bad key {KEY}", headers={"x-echo": KEY, "location": f"https://x/?k={KEY}"}),
    Refuse(302, KEY, headers={"location": f"https://x/?k={KEY}"}),
    Break("nothing"),
    Break("half"),
    Stall("nothing"),
    Stall("half"),
    ErrorInStream("x"),
)


def found_in(text: str, *secrets: str) -> list[str]:
    """Which secrets stand in the text, in whatever form."""
    return [form for secret in secrets for form in encodings(secret) if form in text]


@pytest.mark.parametrize("script", SCRIPTS, ids=repr)
def test_the_key_is_nowhere(script: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    told: list[GuardEvent] = []
    lines: list[str] = []
    answers: list[str] = []

    def log(message: str, **fields: Any) -> None:
        lines.append(json.dumps({"message": message, **fields}, default=str))

    async def main(url: str) -> None:
        store = open_store(tmp_path.as_uri())
        what = agent(base_url=url, run_usd="0.005", day_usd="1")
        for _ in range(3):
            async with opened(what, told, store=store, settings=SETTINGS) as port:
                for how in ({"path": "v1/messages", "body": BODY}, {"path": "v1/models", "method": "GET"}):
                    answer = await ask(port, **how)
                    answers.append(f"{answer.headers} {answer.content.decode()}")
        async with open_guard(what, store=store, key=KEY, clock=Clock(), log=log) as guard:
            lines.append(repr(guard) + repr(guard.model))

    with model_server(script) as server:
        asyncio.run(main(server.url))
    store_text = "".join(p.read_text() for p in tmp_path.rglob("*") if p.is_file())
    printed = "".join(capfd.readouterr())
    everything = "\n".join([*map(as_json, told), *lines, *answers, store_text, printed])
    assert found_in(everything, KEY) == []
    assert told


@pytest.mark.parametrize("how", ODD, ids=lambda how: f"{how['path']} {how['body']!r:.30}")
def test_the_token_is_not_told(how: dict[str, Any]):
    told: list[GuardEvent] = []

    async def main() -> None:
        async with opened(agent(base_url=refusing_url()), told) as port:
            await ask(port, **how)

    asyncio.run(main())
    # What a harness writes into a request as a model's name is its own affair, and is said back as such.
    text = "".join(map(as_json, told)).replace(f"names {GRANT.token}", "").replace(f"encoded with {GRANT.token}", "")
    assert found_in(text, GRANT.token) == []
    assert KEY not in text or KEY in how["path"]


def test_a_token_in_a_connect_is_not_told():
    told: list[GuardEvent] = []

    async def main() -> None:
        async with opened(agent(base_url=refusing_url()), told) as port:
            for line in (f"CONNECT run:{GRANT.token}@a.com:443", f"GET http://run:{GRANT.token}@a.com/?{GRANT.token}"):
                for proof in ("", "Proxy-Authorization: Basic cnVuOng=\r\n"):
                    async with connected(port.number) as client:
                        await client.write(f"{line} HTTP/1.1\r\nHost: x\r\n{proof}\r\n".encode())
                        await read_answer(client)

    asyncio.run(main())
    assert found_in("".join(map(as_json, told)), GRANT.token) == []
    assert len(told) == 3


def test_an_error_of_the_connection_does_not_show_the_key():
    async def main() -> str:
        async with ProviderClient(refusing_url(), UpstreamTimes()) as upstream:
            with pytest.raises(Exception) as caught:  # noqa: PT011
                async with upstream.send("POST", "x", f"k={KEY}", [("x-api-key", KEY)], SentBody(b""), soon=True):
                    pass
            return repr(caught.value) + repr(caught.value.__cause__) + repr(caught.value.__suppress_context__)

    text = asyncio.run(main())
    assert found_in(text, KEY) == []
    assert "True" in text


def test_a_broken_client_shows_nothing_either():
    told: list[GuardEvent] = []

    async def main(url: str) -> None:
        async with opened(agent(base_url=url), told) as port:
            for part in (10, 60, 200):
                async with connected(port.number) as client:
                    await client.write(request("v1/messages", BODY)[:part])
                await asyncio.sleep(0.01)

    with model_server(Text("x")) as server:
        asyncio.run(main(server.url))
    assert found_in("".join(map(as_json, told)), KEY, GRANT.token) == []
