"""One request to the guard, and what answers it."""

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
    """One request of a run's, and what its answer needs."""

    request: Request
    conversation: Http1Connection
    stream: Stream
    grant: RunCredentials
    emit: Emit

    async def refuse(self, status: int, destination: str, reason: str, headers: Headers = ()) -> None:
        """Answers with one line, and lets the run know."""
        self.emit(NetworkDenied(destination=destination, reason=reason))
        await self.respond(status, f"refused: {destination}: {reason}", headers)

    async def respond(self, status: int, text: str, headers: Headers = ()) -> None:
        """Answers with one line."""
        await self.conversation.answer(status, [PLAIN, *headers], f"{text}\n".encode())


class RequestHandler(Protocol):
    """What answers one kind of request; the token has been looked at before."""

    async def answer(self, exchange: Exchange) -> None: ...


class ModelPart(RequestHandler, Protocol):
    """The model's part says its refusals in the provider's own words."""

    async def unknown_token(self, exchange: Exchange, reason: str) -> None: ...

    async def settle(self) -> None: ...


def sanitize_destination(text: str) -> str:
    """A destination as the harness wrote it, as one short line, and without a name and password before it."""
    return "".join(c if c.isprintable() else "?" for c in text.rpartition("@")[2][:260])
