"""Model API formats: which requests pass, how an error looks, and the usage that a response reports."""

from __future__ import annotations

from .anthropic_messages import AnthropicFormat
from .ending import Ending, describe_ending
from .gemini import GeminiFormat
from .openai_chat import OpenAIChatFormat
from .openai_responses import OpenAIResponsesFormat
from .protocol import Call, WireFormat
from .usage import ReportedUsage

__all__ = ["Call", "Ending", "ReportedUsage", "WireFormat", "describe_ending", "formats_of"]

FORMATS: dict[str, tuple[WireFormat, ...]] = {"anthropic": (AnthropicFormat(),), "google": (GeminiFormat(),)}
OPENAI = (OpenAIChatFormat(), OpenAIResponsesFormat())


def formats_of(provider: str) -> tuple[WireFormat, ...]:
    """The formats of a provider in the spec; OpenAI's for all but two."""
    return FORMATS.get(provider, OPENAI)
