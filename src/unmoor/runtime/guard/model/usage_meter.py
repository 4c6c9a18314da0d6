"""Meters a response of the model: the usage that it reports, an estimate if it reports none, and how it ended."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from unmoor.runtime.events import ModelAnswer, Tokens
from unmoor.runtime.guard.model.formats.openai_chat import only_usage
from unmoor.runtime.json_values import parse_json

from .formats import Ending, ReportedUsage, WireFormat, describe_ending
from .sse import Event, EventReader

# Rules of thumb: https://platform.openai.com/tokenizer, https://docs.anthropic.com/en/docs/build-with-claude/vision
# (an image of the usual size).
BYTES_PER_TOKEN = 4
TOKENS_PER_ATTACHMENT = 1600
ATTACHMENT = re.compile(rb"[A-Za-z0-9+/=_-]{4000,}")
# The end of a stream of chat completions; some providers give no other reason for it.
DONE = b"[DONE]"
NO_USAGE = ReportedUsage()
MAX_BODY = 32 * 1024 * 1024


class UsageMeter:
    """Meters one response. With `hide_usage` it drops the chunk that only reports usage: the client did not request it,
    and may not expect a chunk without a choice."""

    def __init__(self, wire: WireFormat, *, events: bool, hide_usage: bool = False) -> None:
        self.usage = ReportedUsage()
        self.ending = Ending()
        self.received = 0
        self._ended = False
        self._format = wire
        self._reader = EventReader() if events else None
        self._body = bytearray()
        self._hide = hide_usage and events

    def feed(self, data: bytes) -> bytes:
        """Reads the response's next bytes; returns those to pass on now."""
        self.received += len(data)
        if self._reader is None:
            if len(self._body) <= MAX_BODY:
                self._body += data
            return data
        passed = [self._read(event) for event in self._reader.feed(data)]
        return b"".join(passed) if self._hide else data

    def end(self) -> bytes:
        """Reads the response's end; returns the bytes still to pass on."""
        self._ended = True
        if self._reader is not None:
            last = self._read(self._reader.end())
            return last if self._hide else b""
        if len(self._body) <= MAX_BODY:
            body = parse_json(bytes(self._body))
            for part in body if isinstance(body, list) else [body]:
                self._accumulate(part)
        return b""

    def final_usage(
        self, sent: int, *, reserved: ReportedUsage = NO_USAGE, unseen: ReportedUsage = NO_USAGE
    ) -> tuple[ReportedUsage, bool]:
        """The usage, and whether it is an estimate; `sent` is an estimate of the request's own tokens.

        `reserved` counts if the provider's own count is none, and `unseen` for what was written but not read: a whole
        answer that was not read to its end, or a stream that had said nothing yet.
        """
        usage = self.usage
        if self._reader is None and not self._ended:
            return unseen, True
        if usage.invalid:
            return reserved, True
        if usage.whole:
            return usage, False
        if usage.failed and usage.tokens is None and not usage.text_bytes:
            # It failed before it began, and is not billed.
            return replace(usage, tokens=Tokens()), True
        tokens = usage.tokens or Tokens(input=sent)
        output = max(tokens.output, _tokens(usage.text_bytes or (0 if self._reader else self.received)))
        if not usage.text_bytes and unseen.tokens and not self._ended:
            output = max(output, unseen.tokens.output)
        return replace(usage, tokens=replace(tokens, output=output)), True

    def minimum_usage(self, least: Tokens) -> ReportedUsage:
        """The usage that is certain by now: as reported, otherwise `least`."""
        tokens = self.usage.tokens or least
        output = max(tokens.output, _tokens(self.usage.text_bytes))
        return replace(self.usage, tokens=replace(tokens, output=output))

    def answer(self) -> ModelAnswer:
        """How the response ended, once it has."""
        if self.usage.failed:
            return ModelAnswer(finish="failed", detail="the provider reported an error in its response")
        return describe_ending(self.ending, self._format.finishes)

    def _read(self, event: Event) -> bytes:
        if event.data == DONE and not self.ending.word:
            self.ending = replace(self.ending, word="[DONE]")
        value = parse_json(event.data) if event.data.startswith(b"{") else None
        self._accumulate(value)
        return b"" if isinstance(value, dict) and only_usage(value) else event.raw

    def _accumulate(self, value: Any) -> None:
        if isinstance(value, Mapping):
            self.usage = self._format.accumulate_usage(self.usage, value)
            self.ending = self._format.accumulate_ending(self.ending, value)


def estimate_input_tokens(body: bytes) -> int:
    """About how many tokens a request's body is. Long runs of base64 are images and files, which count by the piece."""
    text, attachments = ATTACHMENT.subn(b"", body)
    return _tokens(len(text)) + attachments * TOKENS_PER_ATTACHMENT


def _tokens(size: int) -> int:
    return -(-size // BYTES_PER_TOKEN)
