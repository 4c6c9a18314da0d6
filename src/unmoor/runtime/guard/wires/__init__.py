"""The wire formats of models: which requests pass, what a refusal looks like, and what a stream says was used."""

from __future__ import annotations

from .anthropic import AnthropicFormat
from .chat import OpenAIChatFormat
from .gemini import GeminiFormat
from .responses import OpenAIResponsesFormat
from .said import Json, ReportedUsage
from .wire import Call, WireFormat

__all__ = [
    "AnthropicFormat",
    "Call",
    "GeminiFormat",
    "Json",
    "OpenAIChatFormat",
    "OpenAIResponsesFormat",
    "ReportedUsage",
    "WireFormat",
    "formats_of",
]


def formats_of(provider: str) -> tuple[WireFormat, ...]:
    """The wire formats that a provider of the spec speaks."""
    match provider:
        case "anthropic":
            return (AnthropicFormat(),)
        case "google":
            return (GeminiFormat(),)
        case _:
            return (OpenAIChatFormat(), OpenAIResponsesFormat())
