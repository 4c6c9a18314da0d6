"""A stream of bytes as lines of text: bounded, and never an exception for what a program may write."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

# A longer line is cut: no event of any harness is that long, and the runner must not grow with it.
LONGEST = 16 * 1024 * 1024
# More than an event keeps of it, so that a secret is whole or not there when it is redacted.
KEPT_OF_A_CUT_LINE = 320 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line without its end; `cut` is how many bytes it had where it was too long, else 0."""

    text: str
    cut: int = 0


@dataclass(slots=True)
class LineSplitter:
    """Takes pieces of a stream and gives the lines that they complete; what is not UTF-8 becomes U+FFFD."""

    longest: int = LONGEST
    _held: bytearray = field(default_factory=bytearray)
    _size: int = 0

    def feed(self, piece: bytes) -> Iterator[Line]:
        """The lines that end in this piece."""
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
            return Line(text=content[:KEPT_OF_A_CUT_LINE].decode(errors="replace"), cut=size)
        return Line(text=content.decode(errors="replace").removesuffix("\r"))
