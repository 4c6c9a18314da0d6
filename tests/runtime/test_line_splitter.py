"""A stream becomes lines whatever a program writes."""

from __future__ import annotations

import pytest

from unmoor.runtime.run.line_splitter import Line, LineSplitter


def lines_of(pieces: list[bytes], longest: int = 100) -> list[Line]:
    lines = LineSplitter(longest=longest)
    found = [line for piece in pieces for line in lines.feed(piece)]
    return [*found, *lines.end()]


def test_lines_are_the_same_however_the_stream_is_cut() -> None:
    stream = "eins\r\nzwei ü\n\ndrei".encode()
    whole = lines_of([stream])
    assert [line.text for line in whole] == ["eins", "zwei ü", "", "drei"]
    for cut in range(len(stream)):
        assert lines_of([stream[:cut], stream[cut:]]) == whole


def test_what_is_not_utf8_is_replaced() -> None:
    assert lines_of([b"\xff\xfe ok\n"]) == [Line(text="\ufffd\ufffd ok")]


def test_a_line_that_is_too_long_is_cut_and_says_how_long_it_was() -> None:
    first, second = lines_of([b"x" * 60, b"x" * 60 + b"\nnext\n"], longest=100)
    assert first.cut == 120
    assert first.text == "x" * 100
    assert second == Line(text="next")


@pytest.mark.parametrize("stream", [b"", b"\n"])
def test_nothing_is_no_line_and_an_end_is_an_empty_one(stream: bytes) -> None:
    assert lines_of([stream]) == [Line(text="")] * stream.count(b"\n")
