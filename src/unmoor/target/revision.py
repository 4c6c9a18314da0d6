"""What a target says of the revision that serves: whether it is the one that was deployed last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One look: the revision that was asked for `serves`, is on its way (`moving`), or has `failed`.

    `said` is one line: which it is, or the platform's reason. `log` is the last that the container wrote which failed.
    """

    state: Literal["serves", "moving", "failed"]
    text: str
    log: tuple[str, ...] = ()


def serving_revision(said: str) -> Revision:
    return Revision(state="serves", text=said)


def moving_revision(said: str) -> Revision:
    return Revision(state="moving", text=said)


def failed_revision(said: str, log: Sequence[str] = ()) -> Revision:
    return Revision(state="failed", text=one_line(said), log=tuple(log))


def one_line(text: str, most: int = 500) -> str:
    """A platform's words in one line that is not too long."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
