"""Server-sent events are found whole, wherever the bytes are cut."""

from __future__ import annotations

import pytest

from unmoor.runtime.guard.model.sse import Event, EventReader

STREAM = (
    b": a comment\n\n"
    b'event: one\ndata: {"a": 1}\n\n'
    b"data: two\r\ndata: lines\r\nid: 7\r\n\r\n"
    b"data:unspaced\r\rdata:  spaced\n\n"
    b"retry: 10\n\n"
    b"data\n\n"
    b"database: no\n\n"
    b"data: \xf0\x9f\x98\x80\n\n"
)
DATA = [b"", b'{"a": 1}', b"two\nlines", b"unspaced", b" spaced", b"", b"", b"", "\U0001f600".encode()]


def read(stream: bytes, size: int) -> list[Event]:
    reader = EventReader()
    parts = [stream[i : i + size] for i in range(0, len(stream), size)]
    return [event for part in parts for event in reader.feed(part)]


@pytest.mark.parametrize("size", range(1, len(STREAM) + 1))
def test_events_are_the_same_however_the_stream_is_cut(size: int):
    events = read(STREAM, size)
    assert [event.data for event in events] == DATA
    assert b"".join(event.raw for event in events) == STREAM


@pytest.mark.parametrize("cut", range(len(STREAM)))
def test_events_are_the_same_wherever_the_stream_is_cut_once(cut: int):
    reader = EventReader()
    events = [*reader.feed(STREAM[:cut]), *reader.feed(STREAM[cut:])]
    assert [event.data for event in events] == DATA


def test_an_event_that_never_ends_still_has_its_data_at_the_end():
    reader = EventReader()
    assert reader.feed(b'data: {"usage": 1}\n') == []
    assert reader.end() == Event(data=b'{"usage": 1}', raw=b'data: {"usage": 1}\n')


def test_the_end_of_a_stream_that_ended_well_is_nothing():
    reader = EventReader()
    reader.feed(b"data: x\n\n")
    assert reader.end() == Event(data=b"", raw=b"")


def test_an_event_beyond_all_measure_passes_without_being_kept():
    reader = EventReader(max_bytes=10)
    events = [*reader.feed(b"data: " + b"x" * 20), *reader.feed(b"\n\ndata: y\n\n")]
    assert [event.data for event in events] == [b"", b"", b"", b"y"]
    assert b"".join(event.raw for event in events) == b"data: " + b"x" * 20 + b"\n\ndata: y\n\n"


def test_a_long_line_in_small_pieces_takes_no_longer_for_being_long():
    reader = EventReader()
    line = b"data: " + b"x" * 200_000 + b"\n\n"
    events = [event for i in range(0, len(line), 7) for event in reader.feed(line[i : i + 7])]
    assert [len(event.data) for event in events] == [200_000]
