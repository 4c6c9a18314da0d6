"""Reads a command's prompt."""

from __future__ import annotations

import sys

import typer


def prompt_of(once: str) -> str:
    """The option's text, or standard input for `-`; must not be empty."""
    return require_text(read_stdin() if once == "-" else once, option="--once")


def require_text(prompt: str, *, option: str) -> str:
    """The prompt; typer.BadParameter if it is blank."""
    if not prompt.strip():
        raise typer.BadParameter("the prompt is empty; write a task", param_hint=option)
    return prompt


def read_stdin() -> str:
    """All of standard input."""
    # None if standard input is closed.
    return sys.stdin.buffer.read().decode(errors="replace") if sys.stdin else ""
