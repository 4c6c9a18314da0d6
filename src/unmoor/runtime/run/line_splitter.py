"""Splits a stream of bytes into lines of text, with bounded memory and without errors on any input."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

# Longer lines are cut: no harness's event is that long, and memory must stay bounded.
LONGEST = 16 * 1024 * 1024
# Longer than the raw text of an event, so that no secret is cut in half before it is redacted.
CUT_LINE_BYTES = 320 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line without its line break; `cut` is its full size in bytes if it was cut."""

    text: str
    cut: int = 0


@dataclass(slots=True)
class LineSplitter:
    """Yields the lines that each piece of the stream completes; invalid UTF-8 becomes U+FFFD."""

    longest: int = LONGEST
    _held: bytearray = field(default_factory=bytearray)
    _size: int = 0

    def feed(self, piece: bytes) -> Iterator[Line]:
        *ended, rest = piece.split(b"\n")
        for part in ended:
            self._hold(part)
            yield self._line()
        self._hold(rest)

    def end(self) -> Iterator[Line]:
        """The last line, where the stream ended without a line's end."""
        if self._size:
            yield self._line()

    def _hold(self, part: bytes) -> None:
        self._size += len(part)
        if len(self._held) < self.longest:
            self._held += part[: self.longest - len(self._held)]

    def _line(self) -> Line:
        content, size = bytes(self._held), self._size
        self._held, self._size = bytearray(), 0
        if size > self.longest:
            return Line(text=content[:CUT_LINE_BYTES].decode(errors="replace"), cut=size)
        return Line(text=content.decode(errors="replace").removesuffix("\r"))
