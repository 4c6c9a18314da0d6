"""What is booked for answers that nobody saw, or whose usage is no number."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import Any

import pytest
from agents import NAMES, agent, ask, opened, request, run
from aiohttp import web
from clients import connected
from model_server import Break, Refuse, model_server, refusing_url
from test_model import scripted

from unmoor.runtime.events import BudgetExceeded, GuardEvent, ModelUsage, Notice, Tokens

pytestmark = pytest.mark.usefixtures("route")
LONG = {"model": NAMES["anthropic"], "max_tokens": 1000, "messages": [{"role": "user", "content": "word " * 40_000}]}


def usages(told: list[GuardEvent]) -> list[ModelUsage]:
    return [event for event in told if isinstance(event, ModelUsage)]


@pytest.mark.parametrize("streams", [False, True])
def test_requests_that_were_sent_and_given_up_use_up_the_cap(streams: bool):
    told: list[GuardEvent] = []
    seen = 0

    async def never(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal seen
        await request.read()
        seen += 1
        arrived.set()
        await asyncio.Event().wait()
        raise AssertionError

    async def main() -> int:
        async with scripted(never) as url, opened(agent(base_url=url, run_usd="0.5"), told) as port:
            for number in range(3):
                arrived.clear()
                async with connected(port.number) as client:
                    await client.write(request("v1/messages", {**LONG, "stream": streams}))
                    await asyncio.wait_for(arrived.wait(), 5)
                while len(usages(told)) <= number:
                    await asyncio.sleep(0.005)
            return (await ask(port, "v1/messages", LONG)).status

    arrived = asyncio.Event()
    assert run(main()) == 402
    assert seen == 3
    assert all(usage.estimated for usage in usages(told))
    # 66,000 tokens of input at 3 USD a million, and for a whole answer all of its output, which may be written to its end.
    output = [usage.tokens.output for usage in usages(told)]
    assert all(66_000 < usage.tokens.input < 67_000 for usage in usages(told))
    assert all(0 <= tokens < 1000 for tokens in output) if streams else output == [1000] * 3
    assert isinstance(told[-1], BudgetExceeded)


def test_what_never_reached_the_provider_or_was_refused_by_it_costs_nothing():
    told: list[GuardEvent] = []

    async def main(url: str) -> None:
        async with opened(agent(base_url=url), told) as port:
            await ask(port, "v1/messages", LONG)

    run(main(refusing_url()))
    for turn in (Refuse(500), Refuse(429), Break("nothing")):
        with model_server(turn) as server:
            run(main(server.url))
    assert usages(told) == []


def test_an_answer_that_cannot_be_read_costs_all_that_it_may_have_cost():
    told: list[GuardEvent] = []

    async def compressed(request: web.BaseRequest) -> web.StreamResponse:
        await request.read()
        return web.Response(body=b"\x1f\x8b", headers={"content-encoding": "gzip", "content-type": "application/json"})

    async def main() -> None:
        async with scripted(compressed) as url, opened(agent(base_url=url), told) as port:
            await ask(port, "v1/messages", LONG)

    run(main())
    (usage,) = usages(told)
    assert usage.tokens.output == 1000
    assert usage.estimated


@pytest.mark.parametrize("streams", [False, True])
def test_an_answer_that_is_left_before_it_says_anything_counts_what_was_written_unseen(streams: bool):
    told: list[GuardEvent] = []

    async def head(request: web.BaseRequest) -> web.StreamResponse:
        await request.read()
        kind = "text/event-stream" if streams else "application/json"
        response = web.StreamResponse(headers={"content-type": kind})
        await response.prepare(request)
        start = {"type": "message_start", "message": {"usage": {"input_tokens": 50_000, "output_tokens": 1}}}
        await response.write(f"data: {json.dumps(start)}\n\n".encode() if streams else b'{"type": ')
        await asyncio.Event().wait()
        return response

    async def main() -> None:
        async with scripted(head) as url, opened(agent(base_url=url), told) as port:
            async with connected(port.number) as client:
                await client.write(request("v1/messages", {**LONG, "stream": streams}))
                while b"type" not in (await client.read()).partition(b"\r\n\r\n")[2]:
                    pass
                await asyncio.sleep(0.05)
            while not usages(told):
                await asyncio.sleep(0.005)

    run(main())
    (usage,) = usages(told)
    assert usage.estimated
    if streams:
        assert usage.tokens.input == 50_000
        assert 10 < usage.tokens.output <= 1000
    else:
        assert usage.tokens.output == 1000


ODD: list[Any] = ["12", 1.5, -1, 2_000_000_000, True, float("nan"), [], {}]
ANSWERS = {
    "anthropic": (
        "v1/messages",
        {"model": NAMES["anthropic"], "max_tokens": 500},
        lambda odd: {"type": "message", "content": [], "usage": {"input_tokens": 10, "output_tokens": odd}},
    ),
    "openai": (
        "responses",
        {"model": NAMES["openai"], "max_output_tokens": 500},
        lambda odd: {"object": "response", "usage": {"input_tokens": 10, "output_tokens": odd}},
    ),
    "openrouter": (
        "chat/completions",
        {"model": NAMES["openrouter"], "max_tokens": 250, "n": 2},
        lambda odd: {"choices": [], "usage": {"prompt_tokens": odd, "completion_tokens": 3}},
    ),
    "google": (
        f"v1beta/models/{NAMES['google']}:generateContent",
        {"generationConfig": {"maxOutputTokens": 500}},
        lambda odd: {"candidates": [{"finishReason": "STOP"}], "usageMetadata": {"promptTokenCount": odd}},
    ),
}


@pytest.mark.parametrize("odd", ODD[:6])
@pytest.mark.parametrize("provider", ANSWERS)
def test_usage_that_is_no_number_counts_at_the_requests_limit_and_is_said(provider: str, odd: Any):
    told: list[GuardEvent] = []
    path, body, answer = ANSWERS[provider]

    async def odd_usage(request: web.BaseRequest) -> web.StreamResponse:
        await request.read()
        return web.json_response(answer(odd))

    async def main() -> None:
        async with scripted(odd_usage) as url, opened(agent(provider, base_url=url), told) as port:
            await ask(port, path, body)

    run(main())
    (usage,) = usages(told)
    assert usage.estimated
    assert usage.tokens.output == 500
    assert usage.cost_usd
    assert usage.cost_usd > Decimal("0.004")
    text = "the model's provider reported usage that is not a number; the request counts at its limit"
    assert Notice(level="warning", text=text) in told


def test_a_whole_number_may_be_written_with_a_point():
    told: list[GuardEvent] = []

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        await request.read()
        usage = {"input_tokens": 10.0, "output_tokens": 2e0}
        return web.json_response({"type": "message", "content": [{"type": "text", "text": "x"}], "usage": usage})

    async def main() -> None:
        async with scripted(answer) as url, opened(agent(base_url=url), told) as port:
            await ask(port, "v1/messages", LONG)

    run(main())
    assert [(usage.tokens, usage.estimated) for usage in usages(told)] == [(Tokens(input=10, output=2), False)]
