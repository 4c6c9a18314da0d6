"""The guard's handler of a run's connection: `CONNECT host:443` for the egress proxy, `/model/...` for the model proxy.

Both require the run's token; every other request is refused.
"""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass, field
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

CHALLENGE = (b"proxy-authenticate", b'Basic realm="unmoor"')


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardHandler:
    """Serves connections of any run."""

    model: ModelPart | None
    egress: RequestHandler
    limits: HttpLimits = field(default_factory=HttpLimits)

    async def serve(self, stream: Stream, credentials: RunCredentials, emit: Emit) -> None:
        """Serves one connection to its end and closes it."""
        http = Http1Connection(stream, self.limits)
        try:
            while request := await _read_request(http):
                await self._handle(
                    Exchange(request=request, http=http, stream=stream, credentials=credentials, emit=emit)
                )
                if not http.next():
                    break
            await stream.close()
        except ConnectionError:
            stream.abort()
        except BaseException:
            stream.abort()
            raise

    async def settle(self) -> None:
        """Waits until all spending is written."""
        if self.model is not None:
            await self.model.settle()

    async def _handle(self, exchange: Exchange) -> None:
        request = exchange.request
        if request.method == "CONNECT":
            return await self._connect(exchange)
        path = request.target.partition("?")[0]
        if not request.target.startswith("/"):
            await exchange.refuse(403, _origin(request.target), "only TLS is allowed; use https")
        elif path != MODEL_PATH and not path.startswith(MODEL_PATH + "/"):
            await exchange.respond(404, "unknown path; the model is under /model")
        elif self.model is None:
            await exchange.respond(404, "this agent has no model")
        elif reason := _token_problem(model_tokens(request), exchange.credentials.token):
            await self.model.refuse_token(exchange, reason)
        else:
            await self.model.handle(exchange)

    async def _connect(self, exchange: Exchange) -> None:
        tokens = proxy_tokens(exchange.request, exchange.credentials.run)
        if not tokens:
            # Many clients send their token only after a challenge, so this is not reported as a refusal.
            return await exchange.respond(407, "the run's token is required", [CHALLENGE])
        if reason := _token_problem(tokens, exchange.credentials.token):
            return await exchange.refuse(407, sanitize_destination(exchange.request.target), reason, [CHALLENGE])
        await self.egress.handle(exchange)


async def _read_request(http: Http1Connection) -> Request | None:
    try:
        return await http.request()
    except BadRequest as error:
        await http.respond(error.status, [PLAIN], f"{error}\n".encode())
        return None


def model_tokens(request: Request) -> list[str]:
    """The tokens in a request to the model, wherever a provider's key may be sent."""
    bearer = [v.split(" ", 1)[1].strip() for v in request.values(b"authorization") if v.lower().startswith("bearer ")]
    keys = parse_qs(request.target.partition("?")[2]).get("key", [])
    return [*request.values(b"x-api-key"), *bearer, *request.values(b"x-goog-api-key"), *keys]


def proxy_tokens(request: Request, run: str) -> list[str]:
    """The tokens in a CONNECT; one under another run's name is returned as empty, which matches nothing."""
    tokens: list[str] = []
    for value in request.values(b"proxy-authorization"):
        scheme, _, encoded = value.partition(" ")
        try:
            user, _, token = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
        except ValueError:
            user = token = ""
        tokens.append(token if scheme.lower() == "basic" and user in ("run", run) else "")
    return tokens


def _token_problem(tokens: list[str], expected: str) -> str:
    """Why none of the tokens is valid; empty if one is."""
    if not tokens:
        return "no token was sent"
    valid = any(hmac.compare_digest(token.encode(), expected.encode()) for token in tokens)
    return "" if valid else "the token is not this run's"


def _origin(target: str) -> str:
    """An absolute URL's scheme and host; the rest may hold secrets."""
    scheme, _, rest = target.partition("://")
    return f"{scheme[:10]}://{sanitize_destination(rest.partition('/')[0])}" if rest else "this address"
