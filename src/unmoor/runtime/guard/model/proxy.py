"""The model proxy: the provider's own API under `/model/`, for one model, with the run's token."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field

from unmoor.runtime.errors import TransientError
from unmoor.runtime.events import BudgetExceeded, ModelAnswer, NetworkDenied, Notice
from unmoor.runtime.guard.transport.exchange import MODEL_PATH, Exchange
from unmoor.runtime.guard.transport.http1 import BadRequest, Headers, Request, TooLarge
from unmoor.runtime.logs import Log, null_log

from .formats import formats_of
from .forward import JSON, ForwardedRequest, Provider, Reserved, cap_text
from .memory_limit import SMALL, BodyLease, BodyMemory
from .request_policy import ModelPolicy, ProviderRequest, RequestDenied, authorize
from .reservation import worst_case

MAX_BODY = 64 * 1024 * 1024
# The limit of all bodies together that are not small: a guard of 512 MiB can hold them and parse one.
MEMORY = 128 * 1024 * 1024
# The providers' own client libraries obey this: a refused request would be refused again.
NO_RETRY = (b"x-should-retry", b"false")
RETRY_SOON = (b"retry-after", b"2")


@dataclass(slots=True, kw_only=True)
class ModelProxy:
    """Checks each request and forwards it, or refuses it with an error in the provider's shape."""

    policy: ModelPolicy
    provider: Provider
    log: Log = null_log
    max_body: int = MAX_BODY
    memory_bytes: int = MEMORY
    _memory: BodyMemory = field(init=False)

    def __post_init__(self) -> None:
        self._memory = BodyMemory(self.memory_bytes)

    async def refuse_token(self, exchange: Exchange, reason: str) -> None:
        """Refuses a request without this run's token."""
        exchange.emit(NetworkDenied(destination="the model", reason=reason))
        await self._refuse(exchange, 401, reason, [NO_RETRY])

    async def settle(self) -> None:
        """Waits until all spending is written."""
        await self.provider.ledger.settle()

    async def handle(self, exchange: Exchange) -> None:
        """Forwards or refuses one request."""
        size = declared_body_size(exchange.request, self.max_body)
        if size > self.max_body:
            return await self._refuse(exchange, 413, str(TooLarge(self.max_body)), [NO_RETRY])
        async with self._memory.lease(exchange.credentials.run) as lease:
            await self._handle(exchange, lease)

    async def _handle(self, exchange: Exchange, lease: BodyLease) -> None:
        request = exchange.request
        path, _, query = request.target.removeprefix(MODEL_PATH).removeprefix("/").partition("?")
        encoding = ",".join(request.values(b"content-encoding"))
        try:
            body = await lease.read(lambda grow: exchange.http.body(self.max_body, grow))
            checked = (self.policy, request.method, path, query, body, encoding)
            # A large body must not stop the other runs' connections while it is parsed.
            allowed = authorize(*checked) if len(body) <= SMALL else await asyncio.to_thread(authorize, *checked)
        except RequestDenied as denied:
            exchange.emit(NetworkDenied(destination="the model", reason=str(denied)))
            return await self._refuse(exchange, denied.status, str(denied), [NO_RETRY])
        except BadRequest as error:
            again = RETRY_SOON if error.status == 503 else NO_RETRY
            return await self._refuse(exchange, error.status, str(error), [again])
        await exchange.http.cancel_on_disconnect(self._forward(exchange, allowed))

    async def _forward(self, exchange: Exchange, request: ProviderRequest) -> None:
        if request.call.kind != "generate":
            await ForwardedRequest(self.provider, exchange, request).forward()
        elif reserved := await self._reserve(exchange, request):
            await ForwardedRequest(self.provider, exchange, request, reserved).forward()

    async def _reserve(self, exchange: Exchange, request: ProviderRequest) -> Reserved | None:
        """The most that the request may cost, reserved below the caps; None if the request was refused instead."""
        worst = worst_case(request, self.provider.prices)
        run = exchange.credentials.run
        try:
            found = await self.provider.ledger.reserve(run, worst.cost)
        except TransientError as error:
            self.log("the budget cannot be read", level="error", run=run, error=str(error))
            await self._refuse_for_now(exchange, "the spending cannot be read from the store, so requests are refused")
            return None
        if found is None:
            await self._refuse_for_now(exchange, "other requests have reserved what is left of the caps; ask again")
            return None
        if isinstance(found, BudgetExceeded):
            exchange.emit(found)
            await self._refuse(exchange, 402, cap_text(found), [NO_RETRY])
            return None
        return Reserved(reservation=found, worst=worst)

    async def _refuse_for_now(self, exchange: Exchange, text: str) -> None:
        exchange.emit(Notice(level="error", text=text))
        await self._refuse(exchange, 503, text, [RETRY_SOON])

    async def _refuse(self, exchange: Exchange, status: int, text: str, headers: Headers) -> None:
        if status not in (401, 402):  # another run's, and the end of this one
            exchange.emit(ModelAnswer(finish="failed", detail=f"the guard responded {status}: {text}"))
        error = formats_of(self.policy.provider)[0].error(status, f"unmoor: {text}")
        await exchange.http.respond(status, [JSON, *headers], json.dumps(error).encode())


def declared_body_size(request: Request, unknown: int) -> int:
    """The body's size by the request's headers; `unknown` if they do not declare it."""
    lengths = request.values(b"content-length")
    return int(lengths[0]) if lengths else unknown if request.values(b"transfer-encoding") else 0
