"""The model as a run's harness sees it: the provider's own API under `/model/`, for one model, with the run's token."""

from __future__ import annotations

import json

from unmoor.runtime.errors import TransientError
from unmoor.runtime.events import NetworkDenied, Notice
from unmoor.runtime.guard.budget.ledger import Ledger
from unmoor.runtime.guard.transport.exchange import MODEL_PATH, Exchange
from unmoor.runtime.guard.transport.http1 import BadRequest, Headers, Request, TooLarge
from unmoor.runtime.logs import Log, null_log

from .formats import formats_of
from .forward import JSON, ForwardedRequest, Provider, cap_text
from .memory_limit import ByteSemaphore
from .request_policy import ModelPolicy, ProviderRequest, RequestDenied, authorize

MOST_BODY = 64 * 1024 * 1024
# What all bodies that are not small may take together: a guard of 512 MiB has room for them and for reading one.
ROOM = 128 * 1024 * 1024
SMALL = 128 * 1024
# Clients made with the providers' own libraries obey this: what is refused here is no better the next time.
NO_RETRY = (b"x-should-retry", b"false")
SOON = (b"retry-after", b"2")


class ModelProxy:
    """Judges each request, lets it through, and says what was wrong in the provider's own way of saying it."""

    def __init__(
        self,
        *,
        rules: ModelPolicy,
        provider: Provider,
        ledger: Ledger,
        log: Log = null_log,
        most_body: int = MOST_BODY,
        room: int = ROOM,
    ) -> None:
        self._rules = rules
        self._provider = provider
        self._ledger = ledger
        self._log = log
        self._most_body = most_body
        self._room = ByteSemaphore(room)
        self._error = formats_of(rules.provider)[0].error

    async def unknown_token(self, exchange: Exchange, reason: str) -> None:
        """Answers a request that does not show this run's token."""
        exchange.emit(NetworkDenied(destination="the model", reason=reason))
        await self._say(exchange, 401, reason, [NO_RETRY])

    async def settle(self) -> None:
        """Waits until what was spent is written down."""
        await self._ledger.settle()

    async def answer(self, exchange: Exchange) -> None:
        """Answers one request."""
        size = declared_body_size(exchange.request, self._most_body)
        if size > self._most_body:
            return await self._say(exchange, 413, str(TooLarge(self._most_body)), [NO_RETRY])
        async with self._room.acquire(size if size > SMALL else 0):
            await self._answer(exchange)

    async def _answer(self, exchange: Exchange) -> None:
        request = exchange.request
        path, _, query = request.target.removeprefix(MODEL_PATH).removeprefix("/").partition("?")
        encoding = ",".join(request.values(b"content-encoding"))
        try:
            body = await exchange.conversation.body(self._most_body)
            what = authorize(self._rules, request.method, path, query, body, encoding)
        except RequestDenied as refusal:
            exchange.emit(NetworkDenied(destination="the model", reason=str(refusal)))
            return await self._say(exchange, refusal.status, str(refusal), [NO_RETRY])
        except BadRequest as error:
            return await self._say(exchange, error.status, str(error), [NO_RETRY])
        await exchange.conversation.cancel_on_disconnect(self._pass(exchange, what))

    async def _pass(self, exchange: Exchange, what: ProviderRequest) -> None:
        if what.call.kind == "generate" and not await self._affordable(exchange):
            return
        await ForwardedRequest(self._provider, exchange, what, self._ledger).forward()

    async def _affordable(self, exchange: Exchange) -> bool:
        """Whether no cap is used up; answers if one is. What nobody can know is not allowed."""
        try:
            over = await self._ledger.check(exchange.grant.run)
        except TransientError as fault:
            self._log("the budget cannot be read", level="error", run=exchange.grant.run, fault=str(fault))
            text = "what was spent cannot be read from the store, so nothing more is spent"
            exchange.emit(Notice(level="error", text=text))
            await self._say(exchange, 503, text, [SOON])
            return False
        if over is not None:
            exchange.emit(over)
            await self._say(exchange, 402, cap_text(over), [NO_RETRY])
        return over is None

    async def _say(self, exchange: Exchange, status: int, text: str, headers: Headers) -> None:
        error = json.dumps(self._error(status, f"unmoor: {text}")).encode()
        await exchange.conversation.answer(status, [JSON, *headers], error)


def declared_body_size(request: Request, most: int) -> int:
    """How large the request says that its body is; as large as may be, where it does not say."""
    lengths = request.values(b"content-length")
    return int(lengths[0]) if lengths else most if request.values(b"transfer-encoding") else 0
