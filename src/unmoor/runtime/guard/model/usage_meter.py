"""Reads along with an answer of the model's: what it says it used, and an estimate where it does not say."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from unmoor.runtime.events import Tokens
from unmoor.runtime.guard.model.formats.openai_chat import only_usage

from .formats import ReportedUsage, WireFormat
from .sse import Event, EventReader

# Rules of thumb, for what nobody counted: https://platform.openai.com/tokenizer,
# https://docs.anthropic.com/en/docs/build-with-claude/vision (an image of the usual size).
BYTES_PER_TOKEN = 4
TOKENS_PER_ATTACHMENT = 1600
ATTACHMENT = re.compile(rb"[A-Za-z0-9+/=_-]{4000,}")
MOST_BODY = 32 * 1024 * 1024


class UsageMeter:
    """Meters one answer. With `hide_usage` the chunk that says only what was used is not passed on: the client did
    not ask for it, and may not expect a chunk without a choice."""

    def __init__(self, wire: WireFormat, *, events: bool, hide_usage: bool = False) -> None:
        self.said = ReportedUsage()
        self.received = 0
        self._wire = wire
        self._reader = EventReader() if events else None
        self._body = bytearray()
        self._hide = hide_usage and events

    def feed(self, data: bytes) -> bytes:
        """Takes the answer's next bytes in; returns those to pass on now."""
        self.received += len(data)
        if self._reader is None:
            if len(self._body) <= MOST_BODY:
                self._body += data
            return data
        shown = [self._event(event) for event in self._reader.feed(data)]
        return b"".join(shown) if self._hide else data

    def end(self) -> bytes:
        """The answer has ended; returns what is still to be passed on."""
        if self._reader is not None:
            last = self._event(self._reader.end())
            return last if self._hide else b""
        if len(self._body) <= MOST_BODY:
            answer = _json(bytes(self._body))
            for part in answer if isinstance(answer, list) else [answer]:
                self._say(part)
        return b""

    def final_usage(self, sent: int) -> tuple[ReportedUsage, bool]:
        """What was used, and whether that is an estimate; `sent` is an estimate of the request's own tokens."""
        if self.said.whole:
            return self.said, False
        if self.said.failed and self.said.tokens is None and not self.said.text_bytes:
            # It failed before it began: nobody is billed for that.
            return replace(self.said, tokens=Tokens()), True
        tokens = self.said.tokens or Tokens(input=sent)
        output = max(tokens.output, _tokens(self.said.text_bytes or (0 if self._reader else self.received)))
        return replace(self.said, tokens=replace(tokens, output=output)), True

    def minimum_usage(self, least: Tokens) -> ReportedUsage:
        """What is certain to have been used by now: what was said, or else the least that it can be."""
        tokens = self.said.tokens or least
        output = max(tokens.output, _tokens(self.said.text_bytes))
        return replace(self.said, tokens=replace(tokens, output=output))

    def _event(self, event: Event) -> bytes:
        value = _json(event.data) if event.data.startswith(b"{") else None
        self._say(value)
        return b"" if isinstance(value, dict) and only_usage(value) else event.raw

    def _say(self, value: Any) -> None:
        if isinstance(value, Mapping):
            self.said = self._wire.accumulate_usage(self.said, value)


def estimate_input_tokens(body: bytes) -> int:
    """About how many tokens a request's body is. Long runs of base64 are images and files, which count by the piece."""
    text, attachments = ATTACHMENT.subn(b"", body)
    return _tokens(len(text)) + attachments * TOKENS_PER_ATTACHMENT


def _tokens(size: int) -> int:
    return -(-size // BYTES_PER_TOKEN)


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None
