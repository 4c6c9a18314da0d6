"""The prompt that a command is given."""

from __future__ import annotations

import sys

import typer


def prompt_of(once: str) -> str:
    """The option's text, or for `-` what standard input holds; a run without a word to say is refused."""
    return not_empty(standard_input() if once == "-" else once, option="--once")


def not_empty(prompt: str, *, option: str) -> str:
    """The prompt, unless there is not a word in it."""
    if not prompt.strip():
        raise typer.BadParameter("the prompt is empty; say what the agent is to do", param_hint=option)
    return prompt


def standard_input() -> str:
    """All that it holds."""
    # It is None where it was closed.
    return sys.stdin.buffer.read().decode(errors="replace") if sys.stdin else ""
