"""The guard's door: what a run's harness may ask for on one connection, and nothing else.

Two things: `CONNECT host:443`, the way out, and `/model/...`, the model. Both want the run's token.
"""

from __future__ import annotations

import base64
import hmac
from urllib.parse import parse_qs

from unmoor.runtime.guard.transport.exchange import (
    MODEL_PATH,
    PLAIN,
    Exchange,
    ModelPart,
    RequestHandler,
    sanitize_destination,
)
from unmoor.runtime.guard.transport.http1 import BadRequest, Http1Connection, HttpLimits, Request
from unmoor.runtime.guard.transport.types import Emit, RunCredentials, Stream

ASK_FOR_TOKEN = (b"proxy-authenticate", b'Basic realm="unmoor"')


class GuardHandler:
    """Serves connections of any run (a Way)."""

    def __init__(self, *, model: ModelPart | None, way_out: RequestHandler, limits: HttpLimits | None = None) -> None:
        self._model = model
        self._way_out = way_out
        self._limits = limits or HttpLimits()

    async def serve(self, stream: Stream, grant: RunCredentials, emit: Emit) -> None:
        """Serves one connection to its end and closes it."""
        conversation = Http1Connection(stream, self._limits)
        try:
            while request := await self._request(conversation):
                await self._answer(
                    Exchange(request=request, conversation=conversation, stream=stream, grant=grant, emit=emit)
                )
                if not conversation.next():
                    break
            await stream.close()
        except ConnectionError:
            stream.abort()
        except BaseException:
            stream.abort()
            raise

    async def settle(self) -> None:
        """Waits until nothing is left to be written down."""
        if self._model is not None:
            await self._model.settle()

    async def _request(self, conversation: Http1Connection) -> Request | None:
        try:
            return await conversation.request()
        except BadRequest as error:
            await conversation.answer(error.status, [PLAIN], f"{error}\n".encode())
            return None

    async def _answer(self, exchange: Exchange) -> None:
        request = exchange.request
        if request.method == "CONNECT":
            return await self._connect(exchange)
        path = request.target.partition("?")[0]
        if not request.target.startswith("/"):
            await exchange.refuse(403, _site(request.target), "only TLS leaves; use https")
        elif path != MODEL_PATH and not path.startswith(MODEL_PATH + "/"):
            await exchange.respond(404, "there is nothing here; the model is under /model")
        elif self._model is None:
            await exchange.respond(404, "this agent has no model")
        elif reason := _unproved(model_token_headers(request), exchange.grant.token):
            await self._model.unknown_token(exchange, reason)
        else:
            await self._model.answer(exchange)

    async def _connect(self, exchange: Exchange) -> None:
        tokens = proxy_tokens(exchange.request, exchange.grant.run)
        if not tokens:
            # Many clients show their token only when asked: that is no attempt at anything.
            return await exchange.respond(407, "show the run's token", [ASK_FOR_TOKEN])
        if reason := _unproved(tokens, exchange.grant.token):
            return await exchange.refuse(407, sanitize_destination(exchange.request.target), reason, [ASK_FOR_TOKEN])
        await self._way_out.answer(exchange)


def model_token_headers(request: Request) -> list[str]:
    """The tokens that a request for the model shows, wherever a provider's key may stand."""
    bearer = [v.split(" ", 1)[1].strip() for v in request.values(b"authorization") if v.lower().startswith("bearer ")]
    keys = parse_qs(request.target.partition("?")[2]).get("key", [])
    return [*request.values(b"x-api-key"), *bearer, *request.values(b"x-goog-api-key"), *keys]


def proxy_tokens(request: Request, run: str) -> list[str]:
    """The tokens that a CONNECT shows; one that is shown under another run's name counts as none of this run's."""
    shown: list[str] = []
    for value in request.values(b"proxy-authorization"):
        scheme, _, encoded = value.partition(" ")
        try:
            user, _, token = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
        except ValueError:
            user = token = ""
        shown.append(token if scheme.lower() == "basic" and user in ("run", run) else "")
    return shown


def _unproved(shown: list[str], token: str) -> str:
    """Why the tokens do not open the door; empty where they do."""
    if not shown:
        return "no token was shown"
    if any(hmac.compare_digest(each.encode(), token.encode()) for each in shown):
        return ""
    return "the token is not this run's"


def _site(target: str) -> str:
    """Of an absolute address its scheme and host: the rest may hold what is secret."""
    scheme, _, rest = target.partition("://")
    return f"{scheme[:10]}://{sanitize_destination(rest.partition('/')[0])}" if rest else "this address"
