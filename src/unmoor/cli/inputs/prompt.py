"""The prompt that a command is given."""

from __future__ import annotations

import sys

import typer


def prompt_of(once: str) -> str:
    """The option's text, or for `-` what standard input holds; a run without a word to say is refused."""
    return require_text(read_stdin() if once == "-" else once, option="--once")


def require_text(prompt: str, *, option: str) -> str:
    """The prompt, unless there is not a word in it."""
    if not prompt.strip():
        raise typer.BadParameter("the prompt is empty; say what the agent is to do", param_hint=option)
    return prompt


def read_stdin() -> str:
    """All that it holds."""
    # It is None where it was closed.
    return sys.stdin.buffer.read().decode(errors="replace") if sys.stdin else ""
