"""Forwards one request to the provider and its response back, and meters it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from unmoor.runtime.events import BudgetExceeded, ModelAnswer, ModelUsage, Notice, Tokens
from unmoor.runtime.guard.budget.day_record import NOTHING
from unmoor.runtime.guard.budget.ledger import Ledger, Reservation
from unmoor.runtime.guard.transport.exchange import Exchange
from unmoor.runtime.redact import encodings

from .formats import ReportedUsage
from .headers import request_headers, response_headers
from .prices import Prices
from .provider_client import ProviderClient, ProviderTimeout, ProviderUnreachable, SentBody
from .request_policy import ProviderRequest
from .reservation import WorstCase
from .usage_meter import UsageMeter, estimate_input_tokens

if TYPE_CHECKING:
    import aiohttp

JSON = (b"content-type", b"application/json")
MAX_ERROR_BODY = 1024 * 1024
# The price is computed again after this many more tokens.
PRICE_EVERY = 64
# Stands for the status of a provider that broke the connection before it responded: it bills nothing.
UNREACHABLE = 502


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """What all forwarded requests of an agent share."""

    model: str
    upstream: ProviderClient
    key: str = field(repr=False)
    prices: Prices
    ledger: Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserved:
    """A request's reservation, and what it reserves."""

    reservation: Reservation
    worst: WorstCase


class ForwardedRequest:
    """One allowed request; one that generates has a reservation, and commits it."""

    def __init__(
        self, provider: Provider, exchange: Exchange, request: ProviderRequest, reserved: Reserved | None = None
    ) -> None:
        self._provider = provider
        self._exchange = exchange
        self._request = request
        self._reserved = reserved
        self._body = SentBody(request.body)
        self._input = estimate_input_tokens(request.body) if reserved else 0
        # The least that it can cost: all of the input read from the cache.
        self._least = Tokens(input=self._input, cached_input=self._input)
        self._priced_at = 0
        self._meter: UsageMeter | None = None
        self._begun = False
        self._response: int | None = None
        # Until it has ended otherwise: nobody waited for it.
        self._answer = ModelAnswer(finish="cancelled", detail="")
        self._began_at = time.monotonic()

    async def forward(self) -> None:
        """Forwards it. If the response fails after it began, the client's connection is broken."""
        request, original = self._request, self._exchange.request
        headers = request_headers(original.headers, request.format.key(self._provider.key))
        soon = request.streams or request.call.kind != "generate"
        try:
            async with self._provider.upstream.send(
                original.method, request.call.path, request.query, headers, self._body, soon=soon
            ) as response:
                self._response = response.status
                await self._return(response)
        except ProviderUnreachable as error:
            self._response = self._response or UNREACHABLE
            await self._fail(502, str(error))
        except ProviderTimeout as error:
            await self._fail(504, str(error))
        finally:
            self._commit()

    async def _return(self, response: aiohttp.ClientResponse) -> None:
        if 300 <= response.status < 400:
            return await self._fail(502, f"it responded {response.status}, and redirects are not followed")
        if response.status >= 400:
            return await self._return_error(response)
        if response.headers.get("content-encoding", "identity") != "identity":
            return await self._fail(502, "its response is compressed, which was not requested")
        events = response.content_type == "text/event-stream"
        if self._request.call.kind == "generate":
            self._meter = UsageMeter(self._request.format, events=events, hide_usage=self._request.hide_usage)
        self._begun = True
        await self._exchange.http.start(response.status, self._headers(response, length=not events))
        await self._return_content(
            response, can_cut=events and self._meter is not None and self._provider.ledger.has_caps
        )

    async def _return_content(self, response: aiohttp.ClientResponse, *, can_cut: bool) -> None:
        http = self._exchange.http
        while data := await self._provider.upstream.read(response):
            if passed := self._meter.feed(data) if self._meter else data:
                await http.send(passed)
            if can_cut and (exceeded := self._exceeded_cap()):
                self._exchange.emit(exceeded)
                # The last bytes sent may be half an event.
                error = self._request.format.error_event(f"unmoor: {cap_text(exceeded)}")
                await http.send(b"\n\n" + error)
                return await http.end()
        if self._meter:
            if passed := self._meter.end():
                await http.send(passed)
            self._answer = self._meter.answer()
        await http.end()

    async def _return_error(self, response: aiohttp.ClientResponse) -> None:
        """Returns the provider's error, without the key in case it repeats it."""
        self._answer = ModelAnswer(finish="failed", detail=f"the provider responded {response.status}")
        self._notice(f"the model's provider responded {response.status}")
        content = b""
        while len(content) < MAX_ERROR_BODY and (data := await self._provider.upstream.read(response)):
            content += data
        headers = self._headers(response, length=False)
        await self._exchange.http.respond(response.status, headers, strip_secret(content, self._provider.key))

    async def _fail(self, status: int, reason: str) -> None:
        text = f"the model's provider failed: {reason}"
        self._answer = ModelAnswer(finish="broken" if self._begun else "failed", detail=reason)
        self._notice(text)
        if self._begun:
            raise ConnectionResetError(text)
        error = json.dumps(self._request.format.error(status, f"unmoor: {text}")).encode()
        await self._exchange.http.respond(status, [JSON], error)

    def _headers(self, response: aiohttp.ClientResponse, *, length: bool) -> list[tuple[bytes, bytes]]:
        headers = response_headers(response.raw_headers, length=length)
        return [(name, strip_secret(value, self._provider.key)) for name, value in headers]

    def _exceeded_cap(self) -> BudgetExceeded | None:
        """The cap that this request exceeds while its response continues; once its usage is final, it is not cut."""
        assert self._meter is not None
        if self._meter.usage.whole:
            return None
        usage = self._meter.minimum_usage(self._least)
        tokens = usage.tokens or Tokens()
        total = tokens.input + tokens.output
        if abs(total - self._priced_at) < PRICE_EVERY:
            return None
        self._priced_at = total
        assert self._reserved is not None
        return self._reserved.reservation.update(self._provider.prices.cost(usage) or NOTHING)

    def _commit(self) -> None:
        """Records the final cost, however the request ended."""
        if self._reserved is None:
            return
        usage, estimated = self._final_usage(self._reserved.worst)
        tokens, cost = usage.tokens or Tokens(), self._provider.prices.cost(usage)
        self._reserved.reservation.commit(cost or NOTHING)
        if self._meter and self._meter.usage.invalid:
            self._notice("the model's provider reported usage that is not a number; the request counts at its limit")
        if tokens != Tokens():
            model = self._provider.model
            self._exchange.emit(ModelUsage(model=model, tokens=tokens, cost_usd=cost, estimated=estimated))
        # A failure is noticed where it happens.
        if self._meter and self._answer == self._meter.answer() and self._answer.problem:
            self._notice(f"the model's answer {self._answer.problem}")
        self._exchange.emit(self._answer)

    def _final_usage(self, worst: WorstCase) -> tuple[ReportedUsage, bool]:
        """The usage, and whether it is an estimate. A request that was sent counts although nobody saw its response."""
        unseen = worst.after(time.monotonic() - self._began_at, streams=self._request.streams)
        if self._meter is not None:
            return self._meter.final_usage(self._input, reserved=worst.usage, unseen=unseen)
        if self._response is None and self._body.is_sent:
            return unseen, True
        is_unread = self._response is not None and self._response < 300
        return (worst.usage if is_unread else ReportedUsage()), is_unread

    def _notice(self, text: str) -> None:
        self._exchange.emit(Notice(level="warning", text=text))


def cap_text(exceeded: BudgetExceeded) -> str:
    """An exceeded cap in one line."""
    return f"{exceeded.cap} of ${exceeded.limit_usd} is used up (${exceeded.spent_usd:.4f} spent)"


def strip_secret(content: bytes, secret: str) -> bytes:
    """The content without the secret, plain or in a common encoding."""
    for form in sorted(encodings(secret), key=len, reverse=True):
        content = content.replace(form.encode(), b"[secret]")
    return content
