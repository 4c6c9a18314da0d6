"""Listings: whole on a terminal that is narrow, aligned where there is none, and never a command to either."""

from __future__ import annotations

import re

import pytest

from unmoor.cli.render import table

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
