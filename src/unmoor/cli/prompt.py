"""The prompt that `unmoor dev` is given."""

from __future__ import annotations

import sys

import typer


def prompt_of(once: str) -> str:
    """The option's text, or for `-` what standard input holds; a run without a word to say is refused."""
    prompt = _read() if once == "-" else once
    if not prompt.strip():
        raise typer.BadParameter("the prompt is empty; say what the agent is to do", param_hint="--once")
    return prompt


def _read() -> str:
    # It is None where it was closed.
    return sys.stdin.buffer.read().decode(errors="replace") if sys.stdin else ""
