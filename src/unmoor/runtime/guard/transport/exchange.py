"""One request to the guard, and its handlers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from unmoor.runtime.events import NetworkDenied

from .http1 import Headers, Http1Connection, Request
from .types import Emit, RunCredentials, Stream

MODEL_PATH = "/model"
PLAIN = (b"content-type", b"text/plain; charset=utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request of a run, with everything that its response needs."""

    request: Request
    http: Http1Connection
    stream: Stream
    credentials: RunCredentials
    emit: Emit

    async def refuse(self, status: int, destination: str, reason: str, headers: Headers = ()) -> None:
        """Responds with one line and reports the refusal to the run."""
        self.emit(NetworkDenied(destination=destination, reason=reason))
        await self.respond(status, f"refused: {destination}: {reason}", headers)

    async def respond(self, status: int, text: str, headers: Headers = ()) -> None:
        """Responds with one line."""
        await self.http.respond(status, [PLAIN, *headers], f"{text}\n".encode())


class RequestHandler(Protocol):
    """Handles one kind of request, after its token was verified."""

    async def handle(self, exchange: Exchange) -> None: ...


class ModelPart(RequestHandler, Protocol):
    """The model proxy, which words refusals in the provider's format."""

    async def refuse_token(self, exchange: Exchange, reason: str) -> None: ...

    async def settle(self) -> None: ...


def sanitize_destination(text: str) -> str:
    """A destination from the harness on one short line, without credentials."""
    return "".join(c if c.isprintable() else "?" for c in text.rpartition("@")[2][:260])
