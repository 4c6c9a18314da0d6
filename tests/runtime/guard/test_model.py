"""The model proxy, whole: a harness's request on a run's port, over every route, to a scripted provider and back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest
from agents import KEY, NAMES, Answer, Clock, agent, ask, opened, read_answer, request, run
from aiohttp import web
from clients import connected
from model_server import Break, ErrorInStream, ModelServer, Refuse, Stall, Text, model_server, refusing_url
from world import GRANT

from unmoor.runtime.errors import ConfigurationError
from unmoor.runtime.events import BudgetExceeded, GuardEvent, ModelUsage, NetworkDenied, Notice, Tokens
from unmoor.runtime.guard.budget.book import LedgerTimeouts
from unmoor.runtime.guard.build import GuardSettings
from unmoor.runtime.guard.model.provider_client import UpstreamTimes
from unmoor.runtime.store import open_store

pytestmark = pytest.mark.usefixtures("route")

# Each wire format: provider, what follows the server's root, the request's path and its body, and what its stream costs
# by hand: 1000 fresh, 200 cached, 34 out.
WIRES = {
    "anthropic": ("anthropic", "", "v1/messages", {"model": NAMES["anthropic"], "messages": []}, "0.00357"),
    "chat": ("openai", "/v1", "chat/completions", {"model": NAMES["openai"], "messages": []}, "0.00612"),
    "responses": ("openai", "/v1", "responses", {"model": NAMES["openai"], "input": []}, "0.00612"),
    "gemini": (
        "google",
        "",
        "v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse",
        {"contents": []},
        "0.001615",
    ),
}
every_wire = pytest.mark.parametrize("wire", WIRES)
BODY = {"model": NAMES["anthropic"], "stream": True, "messages": [{"role": "user", "content": "hi"}]}
TOKENS = Tokens(input=1200, cached_input=200, output=34, reasoning=7)


def asked(
    server: ModelServer | str, wire: str = "anthropic", *, streams: bool = True, body: Any = None, **how: Any
) -> tuple[Answer, list[GuardEvent]]:
    """One request in this wire format, its answer, and what the run was told."""
    told: list[GuardEvent] = []
    provider, root, path, plain, _ = WIRES[wire]
    base = (server if isinstance(server, str) else server.url) + root
    settings = how.pop("settings", None)
    what = agent(provider, base_url=base, **{k: how.pop(k) for k in ("run_usd", "day_usd", "egress_any") if k in how})
    if not streams and wire == "gemini":
        path = path.replace("streamGenerateContent?alt=sse", "generateContent")
    sent = body if body is not None else {**plain, **({"stream": True} if streams and wire != "gemini" else {})}

    async def main() -> Answer:
        async with opened(what, told, settings=settings, store=how.pop("store", None)) as port:
            return await ask(port, how.pop("path", path), sent, **how)

    return run(main()), told


# What passes, and how


@every_wire
@pytest.mark.parametrize("streams", [True, False])
def test_an_answer_passes_and_is_metered_and_priced(wire: str, streams: bool):
    with model_server(Text("done, all of it")) as server:
        answer, told = asked(server, wire, streams=streams)
    tokens = TOKENS if wire != "anthropic" else Tokens(input=1200, cached_input=200, output=34)
    model = NAMES[WIRES[wire][0]]
    assert answer.status == 200
    assert answer.whole
    assert "done" in answer.content.decode()
    assert told == [ModelUsage(model=model, tokens=tokens, cost_usd=Decimal(WIRES[wire][4]))]


@every_wire
def test_the_providers_key_goes_out_and_the_token_does_not(wire: str):
    with model_server(Text("x")) as server:
        asked(
            server,
            wire,
            headers={"authorization": f"Bearer {GRANT.token}", "x-goog-api-key": GRANT.token, "cookie": "c"},
        )
        sent = server.requests[0]
    assert sent.key == KEY
    assert GRANT.token not in str(sent.headers) + sent.query
    assert "cookie" not in sent.headers
    assert [name for name in sent.headers if name in ("x-api-key", "authorization", "x-goog-api-key")] == [
        {"anthropic": "x-api-key", "gemini": "x-goog-api-key"}.get(wire, "authorization")
    ]


def test_a_token_in_the_query_goes_no_further():
    with model_server(Text("x")) as server:
        path = f"v1beta/models/gemini-2.5-pro:streamGenerateContent?key={GRANT.token}&alt=sse"
        answer, _ = asked(server, "gemini", path=path, token="")
        assert answer.status == 200
        assert server.requests[0].query == "alt=sse"


def test_headers_pass_but_for_those_that_are_the_guards_own():
    headers = {
        "anthropic-version": "2023-06-01",
        "anthropic-beta": "a,b",
        "user-agent": "cli/1",
        "x-stainless-lang": "js",
        "accept": "text/event-stream",
        "content-type": "application/json",
        "accept-encoding": "gzip, br",
        "connection": "keep-alive, x-hop",
        "x-hop": "1",
        "te": "trailers",
        "proxy-authorization": "Basic x",
        "x-forwarded-for": "1.2.3.4",
        "x-goog-fieldmask": "candidates",
        "x-http-method-override": "GET",
        "openai-organization": "another",
    }
    with model_server(Text("x")) as server:
        asked(server, headers=headers)
        sent = dict(server.requests[0].headers)
    assert sent.pop("host") == server.url.removeprefix("http://")
    assert sent.pop("content-length").isdigit()
    assert sent == {
        "anthropic-version": "2023-06-01",
        "anthropic-beta": "a,b",
        "user-agent": "cli/1",
        "x-stainless-lang": "js",
        "accept": "text/event-stream",
        "content-type": "application/json",
        "accept-encoding": "identity",
        "x-api-key": KEY,
    }


def test_the_body_passes_byte_for_byte():
    raw = b'{ "model":"claude-sonnet-4-5",\n\t"messages": [] , "temperature": 1.0, "system": "\\u00e4 \xc3\xa4" }'
    with model_server(Text("x")) as server:
        asked(server, body=raw)
        assert server.requests[0].raw == raw


def test_the_query_passes():
    with model_server(Text("x")) as server:
        asked(server, path="v1/messages?beta=true")
        assert server.requests[0].query == "beta=true"


def test_a_client_of_chat_gets_usage_only_if_it_asked_for_it():
    body = {"model": NAMES["openai"], "messages": [], "stream": True}
    with model_server(Text("x")) as server:
        silent, told = asked(server, "chat", body=body)
        said, _ = asked(server, "chat", body={**body, "stream_options": {"include_usage": True}})
        assert [r.body["stream_options"] for r in server.requests] == [{"include_usage": True}] * 2
    assert b'"usage": {' not in silent.content
    assert silent.content.endswith(b"data: [DONE]\n\n")
    assert b'"usage": {' in said.content
    assert [type(event) for event in told] == [ModelUsage]


def test_counting_tokens_and_lists_of_models_pass_and_cost_nothing():
    with model_server(Text("x")) as server:
        counted, told = asked(server, path="v1/messages/count_tokens", body=BODY, run_usd="1")
        listed, more = asked(server, path="v1/models", body=b"", method="GET")
    assert counted.json == {"input_tokens": 23}
    assert listed.status == 200
    assert told == more == []


def test_one_connection_serves_many_requests():
    told: list[GuardEvent] = []

    async def main(server: ModelServer) -> list[int]:
        async with (
            opened(agent(base_url=server.url), told) as port,
            connected(port.number) as client,
        ):
            statuses = []
            for _ in range(3):
                await client.write(request("v1/messages", BODY))
                statuses.append((await read_answer(client)).status)
            return statuses

    with model_server(Text("x")) as server:
        assert run(main(server)) == [200] * 3
    assert len(told) == 3


def test_an_old_client_gets_its_stream_too():
    with model_server(Text("all of it")) as server:
        answer, told = asked(server, version="1.0")
    assert answer.status == 200
    assert answer.content.endswith(b'data: {"type": "message_stop"}\n\n')
    assert len(told) == 1


# What does not pass


@pytest.mark.parametrize(
    ("wire", "how", "status", "message"),
    [
        (
            "anthropic",
            {"body": {"model": "claude-opus-4-5"}},
            403,
            "this agent may only use claude-sonnet-4-5; the request names claude-opus-4-5",
        ),
        ("anthropic", {"body": {}}, 403, "this agent may only use claude-sonnet-4-5; the request names no model"),
        ("chat", {"body": {"model": ["gpt-5.5"]}}, 403, "this agent may only use gpt-5.5; the request names no model"),
        (
            "gemini",
            {"path": "v1beta/models/gemini-3-ultra:generateContent"},
            403,
            "this agent may only use gemini-2.5-pro; the request names gemini-3-ultra",
        ),
        (
            "anthropic",
            {"body": b'{"model": "claude-sonnet-4-5", "model": "claude-opus-4-5"}'},
            400,
            "the request's body has the member model twice in one object; send it once",
        ),
        (
            "anthropic",
            {"body": b'{"model": "claude-sonnet-4-5", "Model": "claude-opus-4-5"}'},
            400,
            "the request's body has the same member twice, in two spellings; send it once",
        ),
        ("anthropic", {"body": b"hello"}, 400, "the request's body is not JSON"),
        ("anthropic", {"body": b"[" * 100_000}, 400, "the request's body is not JSON"),
        ("anthropic", {"body": b"[]"}, 400, "the request's body is not a JSON object"),
        ("anthropic", {"body": json.dumps(BODY).encode("utf-16")}, 400, "the request's body is not JSON"),
        (
            "anthropic",
            {"headers": {"content-encoding": "gzip"}},
            415,
            "the request's body must not be encoded, and it is encoded with gzip",
        ),
        (
            "anthropic",
            {"path": "v1/files"},
            403,
            "POST v1/files is not allowed; the guard allows POST v1/messages, POST v1/messages/count_tokens and GET v1/models",
        ),
        (
            "chat",
            {"path": "models/../files", "method": "GET"},
            403,
            "the path models/../files is not in its normal form; write it without %, .. and //",
        ),
        (
            "chat",
            {"path": "responses", "method": "GET"},
            403,
            "GET responses is not allowed; the guard allows POST chat/completions, POST responses and GET models",
        ),
        (
            "gemini",
            {"path": "v1beta/models/gemini-2.5-pro:generateContent?fields=candidates"},
            403,
            "query parameter fields=candidates is not allowed",
        ),
        (
            "responses",
            {"body": {"model": "gpt-5.5", "background": True}},
            403,
            "a background response never reports its usage",
        ),
        (
            "anthropic",
            {"body": {"model": "claude-sonnet-4-5", "tools": [{"type": "web_search_20250305"}]}},
            403,
            "tools[0] of type web_search_20250305: the provider would connect to other hosts for this run; leave it out, or set network.egress: any",
        ),
    ],
)
def test_what_does_not_pass_is_refused_in_the_providers_words_and_told(
    wire: str, how: dict[str, Any], status: int, message: str
):
    with model_server(Text("x")) as server:
        answer, told = asked(server, wire, **how)
        assert server.asked == []
    error = answer.json["error"]
    assert answer.status == status
    assert error["message"] == f"unmoor: {message}"
    assert answer.headers["x-should-retry"] == "false"
    assert told == [NetworkDenied(destination="the model", reason=message)]


def test_the_providers_own_web_tools_pass_where_every_host_may_be_reached():
    body = {**BODY, "tools": [{"type": "web_search_20250305", "name": "web_search"}]}
    with model_server(Text("x")) as server:
        answer, _ = asked(server, body=body, egress_any=True)
    assert answer.status == 200


def test_another_runs_token_opens_nothing():
    with model_server(Text("x")) as server:
        answer, told = asked(server, token="tok-of-r2")
        assert server.asked == []
    assert answer.status == 401
    assert answer.json == {
        "type": "error",
        "error": {"type": "authentication_error", "message": "unmoor: the token is not this run's"},
    }
    assert told == [NetworkDenied(destination="the model", reason="the token is not this run's")]


def test_a_body_of_more_parts_than_can_be_read_is_refused():
    with model_server(Text("x")) as server:
        answer, _ = asked(server, body=b"[" + b"{}," * 1_000_001 + b"{}]")
    assert answer.status == 413
    assert answer.json["error"]["message"] == "unmoor: the request's body has too many parts"


def test_large_bodies_wait_for_room_and_all_pass():
    body = {**BODY, "messages": [{"role": "user", "content": "x" * 200_000}]}
    told: list[GuardEvent] = []

    async def main(server: ModelServer) -> list[int]:
        async with opened(agent(base_url=server.url), told, settings=GuardSettings(memory_bytes=500_000)) as port:
            answers = await asyncio.gather(*(ask(port, "v1/messages", body) for _ in range(20)))
            return [answer.status for answer in answers]

    with model_server(Text("x")) as server:
        assert run(main(server)) == [200] * 20


def test_a_body_beyond_all_measure_is_refused():
    with model_server(Text("x")) as server:
        answer, _ = asked(server, body=b"x" * (3 << 20), settings=GuardSettings(body_bytes=2 << 20))
    assert answer.status == 413
    assert answer.json["error"] == {
        "type": "request_too_large",
        "message": "unmoor: the request's body is larger than 2 MiB",
    }


# Providers that fail


@every_wire
@pytest.mark.parametrize("status", [400, 401, 429, 500, 529])
def test_the_providers_own_refusals_pass_and_are_noticed(wire: str, status: int):
    with model_server(Refuse(status, "because", headers={"retry-after": "7"})) as server:
        answer, told = asked(server, wire)
    assert answer.status == status
    assert "because" in answer.content.decode()
    assert answer.headers["retry-after"] == "7"
    assert told == [Notice(level="warning", text=f"the model's provider responded {status}")]


def test_a_provider_that_says_the_key_back_is_not_repeated():
    with model_server(Refuse(401, f"bad key {KEY}", headers={"x-key": KEY})) as server:
        answer, _ = asked(server)
    assert answer.json["error"]["message"] == "bad key [secret]"
    assert answer.headers["x-key"] == "[secret]"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed_with_the_key(status: int):
    with model_server(Text("x")) as there, model_server(Refuse(status, headers={"location": f"{there.url}/x"})) as here:
        answer, told = asked(here)
        assert there.asked == []
    text = f"the model's provider failed: it responded {status}, and redirects are not followed"
    assert (answer.status, answer.json["error"]["message"]) == (502, f"unmoor: {text}")
    assert told == [Notice(level="warning", text=text)]


def test_a_provider_that_cannot_be_connected_to_is_said():
    answer, told = asked(refusing_url())
    assert answer.status == 502
    assert answer.json["error"]["message"] == "unmoor: the model's provider failed: the connection failed"
    assert told == [Notice(level="warning", text="the model's provider failed: the connection failed")]


@every_wire
def test_a_provider_that_says_nothing_is_given_up(wire: str):
    with model_server(Stall("nothing")) as server:
        answer, told = asked(server, wire, settings=GuardSettings(upstream=UpstreamTimes(soon_s=0.04)))
    assert answer.status == 504
    assert answer.json["error"]["message"] == "unmoor: the model's provider failed: no response within 0.04 s"
    assert told[0] == Notice(level="warning", text="the model's provider failed: no response within 0.04 s")
    # The provider has the request and may answer it all the same.
    (usage,) = [event for event in told if isinstance(event, ModelUsage)]
    assert usage.estimated
    assert usage.tokens.input > 0


def test_a_whole_answer_is_waited_for_longer_than_the_beginning_of_a_stream():
    settings = GuardSettings(upstream=UpstreamTimes(soon_s=0.05, whole_s=0.2))
    with model_server(Stall("nothing")) as server:
        answer, _ = asked(server, streams=False, settings=settings)
    assert answer.json["error"]["message"] == "unmoor: the model's provider failed: no response within 0.2 s"


@every_wire
@pytest.mark.parametrize("at", ["head", "half"])
def test_a_stream_that_falls_silent_is_broken_off(wire: str, at: Any):
    with model_server(Stall(at)) as server:
        answer, told = asked(server, wire, settings=GuardSettings(upstream=UpstreamTimes(idle_s=0.04)))
    assert answer.status == 200
    assert not answer.whole
    assert told[0] == Notice(level="warning", text="the model's provider failed: no more data within 0.04 s")


@every_wire
def test_a_stream_that_breaks_breaks_for_the_client_too_and_what_it_used_is_counted(wire: str):
    with model_server(Break("half")) as server:
        answer, told = asked(server, wire)
    assert answer.status == 200
    assert not answer.whole
    assert told[0] == Notice(level="warning", text="the model's provider failed: it broke the connection")
    (usage,) = [event for event in told if isinstance(event, ModelUsage)]
    assert usage.tokens.input > 0
    assert usage.cost_usd
    assert usage.estimated


def test_an_error_within_a_stream_passes_and_what_it_used_is_counted():
    with model_server(ErrorInStream("overloaded")) as server:
        answer, told = asked(server)
    assert answer.whole
    assert b"overloaded" in answer.content
    assert [event.estimated for event in told if isinstance(event, ModelUsage)] == [True]


def test_a_client_that_goes_away_ends_the_providers_work_and_what_it_used_is_counted():
    told: list[GuardEvent] = []
    gone = asyncio.Event()

    async def main() -> None:
        async with scripted(slow(gone)) as url, opened(agent(base_url=url), told) as port:
            async with connected(port.number) as client:
                await client.write(request("v1/messages", BODY))
                while b"Hello" not in await client.read():
                    pass
            await gone.wait()
            while not told:
                await asyncio.sleep(0.01)

    run(main())
    assert told == [
        ModelUsage(
            model=NAMES["anthropic"],
            tokens=Tokens(input=10, output=2),
            cost_usd=Decimal("0.00006"),
            estimated=True,
        )
    ]


def test_a_client_that_goes_away_before_the_answer_ends_the_providers_work():
    gone = asyncio.Event()

    async def never(request: web.BaseRequest) -> web.StreamResponse:
        try:
            await asyncio.Event().wait()
        finally:
            gone.set()
        raise AssertionError

    async def main() -> None:
        async with scripted(never) as url, opened(agent(base_url=url), []) as port:
            async with connected(port.number) as client:
                await client.write(request("v1/messages", BODY))
                await asyncio.sleep(0.05)
            await gone.wait()

    run(main())


def event(**values: Any) -> bytes:
    return f"event: {values['type']}\ndata: {json.dumps(values)}\n\n".encode()


def slow(
    gone: asyncio.Event, *, then: bytes = b"", wait: asyncio.Event | None = None
) -> Callable[[web.BaseRequest], Any]:
    """A provider that begins an answer and goes on when it may."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        await response.write(event(type="message_start", message={"usage": {"input_tokens": 10, "output_tokens": 1}}))
        await response.write(event(type="content_block_delta", delta={"text": "Hello"}))
        try:
            await (wait or asyncio.Event()).wait()
            await response.write(then)
        finally:
            gone.set()
        return response

    return handle


@asynccontextmanager
async def scripted(handle: Callable[[web.BaseRequest], Any]) -> AsyncIterator[str]:
    """A provider of a test's own; its URL."""
    server = web.Server(handle, access_log=None, handler_cancellation=True)
    listening = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    finally:
        listening.close()
        await server.shutdown(0.1)


def test_a_stream_passes_piece_by_piece_as_it_comes():
    async def main() -> list[bytes]:
        wait, gone = asyncio.Event(), asyncio.Event()
        async with (
            scripted(slow(gone, then=event(type="message_stop"), wait=wait)) as url,
            opened(agent(base_url=url), []) as port,
            connected(port.number) as client,
        ):
            await client.write(request("v1/messages", BODY))
            first = b""
            while b"Hello" not in first:
                first += await client.read()
            before = gone.is_set()
            wait.set()
            rest = b""
            while b"message_stop" not in rest:
                rest += await client.read()
            assert not before
            return [first, rest]

    first, rest = run(main())
    assert b"message_stop" not in first
    assert b"Hello" not in rest


def test_an_answer_that_is_compressed_all_the_same_cannot_be_metered_and_does_not_pass():
    async def compressed(request: web.BaseRequest) -> web.StreamResponse:
        assert request.headers["accept-encoding"] == "identity"
        return web.Response(body=b"\x1f\x8b", headers={"content-encoding": "gzip", "content-type": "text/event-stream"})

    async def main() -> Answer:
        async with scripted(compressed) as url, opened(agent(base_url=url), []) as port:
            return await ask(port, "v1/messages", BODY)

    answer = run(main())
    assert answer.status == 502
    assert answer.json["error"]["message"] == (
        "unmoor: the model's provider failed: its response is compressed, which was not requested"
    )


def test_headers_of_the_providers_connection_do_not_come_back():
    async def headers(request: web.BaseRequest) -> web.StreamResponse:
        found = {"set-cookie": "a=b", "alt-svc": "h3", "keep-alive": "1", "request-id": "req_1", "x-hop": "1"}
        return web.json_response({}, headers={**found, "connection": "x-hop"})

    async def main() -> Answer:
        async with scripted(headers) as url, opened(agent(base_url=url), []) as port:
            return await ask(port, "v1/messages", BODY)

    answer = run(main())
    assert answer.headers["request-id"] == "req_1"
    assert not {"set-cookie", "alt-svc", "keep-alive", "x-hop"} & set(answer.headers)


# Money


def test_a_run_whose_cap_is_used_up_gets_no_further_request_through():
    told: list[GuardEvent] = []

    async def main(server: ModelServer) -> list[Answer]:
        what = agent(base_url=server.url, run_usd="0.007")
        async with opened(what, told) as port:
            return [await ask(port, "v1/messages", BODY) for _ in range(4)]

    with model_server(Text("x")) as server:
        answers = run(main(server))
        assert len(server.requests) == 2
    assert [answer.status for answer in answers] == [200, 200, 402, 402]
    assert answers[2].json == {
        "type": "error",
        "error": {
            "type": "billing_error",
            "message": "unmoor: run.max_cost_usd of $0.007 is used up ($0.0071 spent)",
        },
    }
    assert answers[2].headers["x-should-retry"] == "false"
    assert [type(event) for event in told] == [ModelUsage, ModelUsage, BudgetExceeded]
    assert told[2] == BudgetExceeded(cap="run.max_cost_usd", limit_usd=Decimal("0.007"), spent_usd=Decimal("0.00714"))


def test_the_days_budget_is_shared_by_runs_and_guards_and_ends_with_the_day():
    told: list[GuardEvent] = []
    store, clock = open_store("memory://"), Clock("2026-11-24T23:50:00+00:00")

    async def main(server: ModelServer) -> list[int]:
        what = agent(base_url=server.url, day_usd="0.003")
        statuses = []
        for hours in (0, 0, 1):
            clock.forward(hours=hours)
            async with opened(what, told, store=store, clock=clock) as port:
                statuses.append((await ask(port, "v1/messages", BODY)).status)
        return statuses

    with model_server(Text("x")) as server:
        assert run(main(server)) == [200, 402, 200]


@every_wire
def test_a_stream_that_uses_up_a_cap_is_cut_with_the_reason(wire: str):
    # It waits at its half, so that what is cut is surely under way: an answer that is whole is never cut.
    with model_server(Stall("half", "x" * 20_000)) as server:
        answer, told = asked(server, wire, run_usd="0.001")
    over = [event for event in told if isinstance(event, BudgetExceeded)]
    assert answer.status == 200
    assert answer.whole
    assert "unmoor: run.max_cost_usd of $0.001 is used up" in answer.content.decode()
    assert answer.content.endswith(b"\n\n")
    assert answer.content.count(b"x") <= 10_000
    assert len(over) == 1
    (usage,) = [event for event in told if isinstance(event, ModelUsage)]
    assert usage.cost_usd
    assert usage.cost_usd >= Decimal("0.001")


def test_requests_at_the_same_time_count_together():
    told: list[GuardEvent] = []

    async def main(server: ModelServer) -> list[Answer]:
        async with opened(agent(base_url=server.url, run_usd="0.02"), told) as port:
            return await asyncio.gather(*(ask(port, "v1/messages", BODY) for _ in range(8)))

    with model_server(Text("y" * 2000, piece=40)) as server:
        answers = run(main(server))
    assert any(b"is used up" in answer.content for answer in answers)
    assert len([event for event in told if isinstance(event, BudgetExceeded)]) == 1


def test_a_budget_that_cannot_be_read_lets_nothing_out_and_says_so():
    class Broken:
        async def get(self, key: str) -> None:
            from unmoor.runtime.errors import TransientError

            raise TransientError("no answer")

    with model_server(Text("x")) as server:
        answer, told = asked(server, run_usd="1", store=Broken())
        assert server.asked == []
    text = "the spending cannot be read from the store, so requests are refused"
    assert answer.status == 503
    assert answer.headers["retry-after"] == "2"
    assert answer.json["error"]["message"] == f"unmoor: {text}"
    assert told == [Notice(level="error", text=text)]


def test_a_model_without_a_price_is_used_without_a_cost_where_there_is_no_cap():
    told: list[GuardEvent] = []

    async def main(server: ModelServer) -> Answer:
        what = agent("openai-compatible", base_url=f"{server.url}/v1")
        async with opened(what, told) as port:
            return await ask(port, "chat/completions", {"model": "our-own-model", "messages": [], "stream": True})

    with model_server(Text("x")) as server:
        assert run(main(server)).status == 200
    assert told == [ModelUsage(model="our-own-model", tokens=TOKENS, cost_usd=None)]


# Opening


@pytest.mark.parametrize(
    ("what", "key", "fault"),
    [
        (
            agent("openai-compatible", base_url="https://llm.example.com", run_usd="1"),
            KEY,
            "model: openai-compatible our-own-model has no known price, so run.max_cost_usd cannot be enforced; "
            "remove run.max_cost_usd, or choose a model with a known price",
        ),
        (agent(base_url="https://x"), "", "the guard has no value for model-key, the model's key"),
        (
            agent(base_url="http://llm.example.com"),
            KEY,
            "model.base_url: the key would be sent without TLS; write https://",
        ),
    ],
)
def test_an_agent_that_cannot_be_guarded_is_refused_with_what_to_do(what: Any, key: str, fault: str):
    async def main() -> None:
        async with opened(what, [], key=key):
            pass

    with pytest.raises(ConfigurationError) as caught:
        run(main())
    assert str(caught.value) == fault


def test_many_streams_at_once_pass_whole():
    told: list[GuardEvent] = []

    async def main(server: ModelServer) -> list[Answer]:
        settings = GuardSettings(ledger=LedgerTimeouts(write_every_s=0.05))
        async with opened(agent(base_url=server.url, run_usd="1000"), told, settings=settings) as port:
            return await asyncio.gather(*(ask(port, "v1/messages", BODY) for _ in range(200)))

    with model_server(Text("all of it " * 8)) as server:
        answers = run(main(server))
    assert [answer.status for answer in answers] == [200] * 200
    assert all(answer.whole and answer.content.endswith(b'"message_stop"}\n\n') for answer in answers)
    assert sum(event.cost_usd or 0 for event in told if isinstance(event, ModelUsage)) == Decimal("0.00357") * 200
