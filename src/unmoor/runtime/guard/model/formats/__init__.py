"""The wire formats of models: which requests pass, what a refusal looks like, and what a stream says was used."""

from __future__ import annotations

from .anthropic_messages import AnthropicFormat
from .gemini import GeminiFormat
from .openai_chat import OpenAIChatFormat
from .openai_responses import OpenAIResponsesFormat
from .protocol import Call, WireFormat
from .usage import Json, ReportedUsage

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
