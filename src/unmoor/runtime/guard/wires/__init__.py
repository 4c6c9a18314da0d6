"""The wire formats of models: which requests pass, what a refusal looks like, and what a stream says was used."""

from __future__ import annotations

from .anthropic import Anthropic
from .chat import Chat
from .gemini import Gemini
from .responses import Responses
from .said import Json, Said
from .wire import Call, Wire

__all__ = ["Anthropic", "Call", "Chat", "Gemini", "Json", "Responses", "Said", "Wire", "wires_of"]


def wires_of(provider: str) -> tuple[Wire, ...]:
    """The wire formats that a provider of the spec speaks."""
    match provider:
        case "anthropic":
            return (Anthropic(),)
        case "google":
            return (Gemini(),)
        case _:
            return (Chat(), Responses())
