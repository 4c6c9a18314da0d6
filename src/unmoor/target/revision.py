"""The revision that serves: whether it is the last deployed one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """The deployed revision's state: it `serves`, is rolling out (`moving`), or has `failed`.

    `text` is one line: its name, or the platform's reason. `log` are the last lines of the container that failed.
    """

    state: Literal["serves", "moving", "failed"]
    text: str
    log: tuple[str, ...] = ()


def serving_revision(text: str) -> Revision:
    return Revision(state="serves", text=text)


def moving_revision(text: str) -> Revision:
    return Revision(state="moving", text=text)


def failed_revision(text: str, log: Sequence[str] = ()) -> Revision:
    return Revision(state="failed", text=one_line(text), log=tuple(log))


def one_line(text: str, most: int = 500) -> str:
    """A platform's message in one line of limited length."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
