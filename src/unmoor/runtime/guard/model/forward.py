"""One request's way to the provider and its answer's way back, metered as it passes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from unmoor.runtime.events import BudgetExceeded, ModelUsage, Notice, Tokens
from unmoor.runtime.guard.budget.day_record import NOTHING
from unmoor.runtime.guard.budget.ledger import Ledger
from unmoor.runtime.guard.transport.exchange import Exchange
from unmoor.runtime.redact import encodings

from .formats import ReportedUsage
from .headers import request_headers, response_headers
from .prices import Prices
from .provider_client import ProviderClient, ProviderTimeout, ProviderUnreachable
from .request_policy import ProviderRequest
from .usage_meter import UsageMeter, estimate_input_tokens

if TYPE_CHECKING:
    import aiohttp

JSON = (b"content-type", b"application/json")
MOST_COMPLAINT = 1024 * 1024
# A price is worked out anew when so many more tokens have come.
PRICE_EVERY = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """What every passage of an agent's shares."""

    model: str
    upstream: ProviderClient
    key: str = field(repr=False)
    prices: Prices
    # Whether there is a cap, so that the price matters while a stream runs.
    capped: bool


class ForwardedRequest:
    """One request that was let through, and is paid for by `spending`."""

    def __init__(self, provider: Provider, exchange: Exchange, asked: ProviderRequest, ledger: Ledger) -> None:
        self._provider = provider
        self._exchange = exchange
        self._conversation = exchange.conversation
        self._asked = asked
        self._sent = estimate_input_tokens(asked.body) if asked.call.kind == "generate" else 0
        # The least that it can cost: all of the input read from the cache.
        self._least = Tokens(input=self._sent, cached_input=self._sent)
        self._spending = ledger.begin(
            exchange.grant.run, provider.prices.cost(ReportedUsage(tokens=self._least)) or NOTHING
        )
        self._priced_at = 0
        self._meter: UsageMeter | None = None
        self._begun = False
        self._soon = asked.streams or asked.call.kind != "generate"

    async def forward(self) -> None:
        """There and back. A client whose answer has begun and cannot be ended well sees it break."""
        asked, request = self._asked, self._exchange.request
        headers = request_headers(request.headers, asked.wire.key(self._provider.key))
        try:
            async with self._provider.upstream.send(
                request.method, asked.call.path, asked.query, headers, asked.body, soon=self._soon
            ) as answer:
                await self._back(answer)
        except (ProviderTimeout, ProviderUnreachable) as error:
            await self._failed(504 if isinstance(error, ProviderTimeout) else 502, str(error))
        finally:
            self._settle()

    async def _back(self, answer: aiohttp.ClientResponse) -> None:
        if 300 <= answer.status < 400:
            return await self._failed(502, f"it answered {answer.status}, and redirects are not followed")
        if answer.status >= 400:
            return await self._complaint(answer)
        if answer.headers.get("content-encoding", "identity") != "identity":
            return await self._failed(502, "its answer is compressed though that was not asked for")
        events = answer.content_type == "text/event-stream"
        if self._asked.call.kind == "generate":
            self._meter = UsageMeter(self._asked.wire, events=events, hide_usage=self._asked.hide_usage)
        self._begun = True
        await self._conversation.start(answer.status, self._headers(answer, length=not events))
        await self._content(answer, cut=events and self._provider.capped)

    async def _content(self, answer: aiohttp.ClientResponse, *, cut: bool) -> None:
        while data := await self._provider.upstream.read(answer):
            if shown := self._meter.feed(data) if self._meter else data:
                await self._conversation.send(shown)
            if cut and (over := self._over()):
                self._exchange.emit(over)
                # What was sent last may be half an event.
                await self._conversation.send(b"\n\n" + self._asked.wire.error_event(f"unmoor: {cap_text(over)}"))
                return await self._conversation.end()
        if self._meter and (shown := self._meter.end()):
            await self._conversation.send(shown)
        await self._conversation.end()

    async def _complaint(self, answer: aiohttp.ClientResponse) -> None:
        """Passes the provider's own words on, but for the key, should it say it back."""
        self._notice(f"the model's provider answered {answer.status}")
        content = b""
        while len(content) < MOST_COMPLAINT and (data := await self._provider.upstream.read(answer)):
            content += data
        headers = self._headers(answer, length=False)
        await self._conversation.answer(answer.status, headers, strip_secret(content, self._provider.key))

    async def _failed(self, status: int, why: str) -> None:
        text = f"the model's provider failed: {why}"
        self._notice(text)
        if self._begun:
            raise ConnectionResetError(text)
        error = json.dumps(self._asked.wire.error(status, f"unmoor: {text}")).encode()
        await self._conversation.answer(status, [JSON], error)

    def _headers(self, answer: aiohttp.ClientResponse, *, length: bool) -> list[tuple[bytes, bytes]]:
        kept = response_headers(answer.raw_headers, length=length)
        return [(name, strip_secret(value, self._provider.key)) for name, value in kept]

    def _over(self) -> BudgetExceeded | None:
        """The cap that this request uses up while it is being answered. What is as good as whole is not cut."""
        assert self._meter is not None
        if self._meter.said.whole:
            return None
        said = self._meter.minimum_usage(self._least)
        tokens = said.tokens or Tokens()
        weight = tokens.input + tokens.output
        if abs(weight - self._priced_at) < PRICE_EVERY:
            return None
        self._priced_at = weight
        return self._spending.update(self._provider.prices.cost(said) or NOTHING)

    def _settle(self) -> None:
        """What it has cost in the end, whatever the end was."""
        if self._meter is None:
            return self._spending.commit(NOTHING)
        said, estimated = self._meter.final_usage(self._sent)
        tokens, cost = said.tokens or Tokens(), self._provider.prices.cost(said)
        self._spending.commit(cost or NOTHING)
        if tokens != Tokens():
            self._exchange.emit(
                ModelUsage(model=self._provider.model, tokens=tokens, cost_usd=cost, estimated=estimated)
            )

    def _notice(self, text: str) -> None:
        self._exchange.emit(Notice(level="warning", text=text))


def cap_text(over: BudgetExceeded) -> str:
    """A used-up cap, in a line."""
    return f"{over.cap} of ${over.limit_usd} is used up (${over.spent_usd:.4f} spent)"


def strip_secret(content: bytes, secret: str) -> bytes:
    """The content with the secret taken out, as it is and as common encodings carry it."""
    for form in sorted(encodings(secret), key=len, reverse=True):
        content = content.replace(form.encode(), b"[secret]")
    return content
