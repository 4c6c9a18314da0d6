"""Parses server-sent events from bytes split anywhere. https://html.spec.whatwg.org/multipage/server-sent-events.html"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

LINE_END = re.compile(rb"\r\n|\n|\r")
MAX_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event: its data, and all of its bytes with the empty line after it."""

    data: bytes
    raw: bytes


class EventReader:
    """Reads events from a stream, and buffers the bytes of an incomplete one."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._buffer = bytearray()
        self._searched = 0
        self._data: list[bytes] = []
        self._line_start = 0

    def feed(self, data: bytes) -> list[Event]:
        """The events that these bytes complete. One above `max_bytes` is returned without its data."""
        self._buffer += data
        return list(self._events())

    def _events(self) -> Iterator[Event]:
        while (line := self._line()) is not None:
            if line:
                self._take(line)
                continue
            yield Event(data=b"\n".join(self._data), raw=bytes(self._buffer[: self._line_start]))
            self._clear()
        if len(self._buffer) > self._max_bytes:
            yield Event(data=b"", raw=bytes(self._buffer))
            self._line_start = len(self._buffer)
            self._clear()

    def end(self) -> Event:
        """The incomplete event at the end, which may have data."""
        raw = bytes(self._buffer)
        return Event(data=self.feed(b"\n\n")[0].data, raw=raw)

    def _line(self) -> bytes | None:
        """The next complete line, or None. A final CR may be half of a CRLF."""
        match = LINE_END.search(self._buffer, self._searched)
        if match is None or (match.group() == b"\r" and match.end() == len(self._buffer)):
            # The searched bytes hold no line end and need not be searched again.
            self._searched = max(self._line_start, len(self._buffer) - 1)
            return None
        line = bytes(self._buffer[self._line_start : match.start()])
        self._line_start = self._searched = match.end()
        return line

    def _take(self, line: bytes) -> None:
        field, _, value = line.partition(b":")
        if field.removeprefix(b"\xef\xbb\xbf") == b"data":
            self._data.append(value.removeprefix(b" "))

    def _clear(self) -> None:
        del self._buffer[: self._line_start]
        self._line_start = self._searched = 0
        self._data = []
