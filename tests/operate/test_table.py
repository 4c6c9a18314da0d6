"""Listings: whole on a terminal that is narrow, aligned where there is none, and never a command to either."""

from __future__ import annotations

import json
import re

import pytest

from unmoor.cli.render import table
from unmoor.cli.render.event_lines import printable_lines
from unmoor.cli.render.values import print_json, print_status

COLUMNS = ("run", "outcome", "why")
ROWS = [["run-ybqr5rxvt-5z939m3", "refused", "the signature does not match: another secret, or the body was changed"]]


def shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, rows: list[list[str]], *, terminal: bool
) -> list[str]:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal)
    table.print_table(COLUMNS, rows)
    plain = re.sub(r"\x1b\[\d+m", "", capsys.readouterr().out)  # the heading is bold
    return [line.rstrip() for line in plain.splitlines()]


def test_on_a_terminal_the_reason_takes_the_room_that_is_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shown(capsys, monkeypatch, ROWS, terminal=True) == [
        "run                    outcome  why",
        "run-ybqr5rxvt-5z939m3  refused  the signature does not",
        "                                match: another secret, or",
        "                                the body was changed",
    ]


def test_a_column_that_is_empty_takes_no_room_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [["run-1", "", "a"], ["run-2", "", ""]]
    assert shown(capsys, monkeypatch, rows, terminal=True) == ["run    why", "run-1  a", "run-2  -"]


def test_elsewhere_a_row_is_a_line_and_what_is_empty_is_a_dash(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [*ROWS, ["run-2", "", "two\nlines [bold]\x1b[31m"]]
    assert shown(capsys, monkeypatch, rows, terminal=False) == [
        "RUN                    OUTCOME  WHY",
        "run-ybqr5rxvt-5z939m3  refused  the signature does not match: another secret, or the body was changed",
        "run-2                  -        two lines [bold]�[31m",
    ]


# Of a sender's ID, an email's subject, a log line: they forge lines, reorder text, or command the terminal.
FORGED = "id\nrun-2  accepted\u2028x\u202egpj\x9b31m\x85\u200e"


def test_text_from_outside_forges_no_line_and_hides_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [["run-1", FORGED, FORGED], *ROWS]
    seen = [shown(capsys, monkeypatch, rows, terminal=terminal) for terminal in (True, False)]
    assert len(seen[1]) == 3
    print_json([{"id": FORGED, "name": "é\tü"}])
    written = capsys.readouterr().out
    assert json.loads(written) == [{"id": FORGED, "name": "é\tü"}]
    assert len(written.splitlines()) == 6
    assert "é" in written
    print_status(FORGED)
    texts = [
        *seen[0],
        *seen[1],
        *written.splitlines(),
        *capsys.readouterr().err.split("\n"),
        *printable_lines(FORGED).split("\n"),
    ]
    assert [text for text in texts if not text.isprintable()] == []
