"""Server-sent events out of bytes that may be cut anywhere. https://html.spec.whatwg.org/multipage/server-sent-events.html"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

LINE_END = re.compile(rb"\r\n|\n|\r")
MOST_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event: its data, and all of its bytes as they came, the empty line after it included."""

    data: bytes
    raw: bytes


class EventReader:
    """Finds the events in a stream. Bytes of an event that is not yet whole are kept for the next ones."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._most = most
        self._kept = bytearray()
        self._searched = 0
        self._data: list[bytes] = []
        self._line_start = 0

    def feed(self, data: bytes) -> list[Event]:
        """The events that these bytes complete. One that grows beyond all measure comes out without its data."""
        self._kept += data
        return list(self._events())

    def _events(self) -> Iterator[Event]:
        while (line := self._line()) is not None:
            if line:
                self._take(line)
                continue
            yield Event(data=b"\n".join(self._data), raw=bytes(self._kept[: self._line_start]))
            self._forget()
        if len(self._kept) > self._most:
            yield Event(data=b"", raw=bytes(self._kept))
            self._line_start = len(self._kept)
            self._forget()

    def end(self) -> Event:
        """What was left over: an event that never became whole, and may yet have data in it."""
        raw = bytes(self._kept)
        return Event(data=self.feed(b"\n\n")[0].data, raw=raw)

    def _line(self) -> bytes | None:
        """The next whole line, and where it ends; None while there is none. A final CR may be half of a CRLF."""
        match = LINE_END.search(self._kept, self._searched)
        if match is None or (match.group() == b"\r" and match.end() == len(self._kept)):
            # What has been looked at and is no line's end need not be looked at again.
            self._searched = max(self._line_start, len(self._kept) - 1)
            return None
        line = bytes(self._kept[self._line_start : match.start()])
        self._line_start = self._searched = match.end()
        return line

    def _take(self, line: bytes) -> None:
        field, _, value = line.partition(b":")
        if field.removeprefix(b"\xef\xbb\xbf") == b"data":
            self._data.append(value.removeprefix(b" "))

    def _forget(self) -> None:
        del self._kept[: self._line_start]
        self._line_start = self._searched = 0
        self._data = []
