"""What is said of one thing that deploying needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing: how it stands, and what to do where it is wrong. `note` is what is not needed, or cannot be told.

    `install` is the command that puts it there, of which `doctor --install` runs those that are Pulumi's.
    """

    topic: str
    state: Literal["fine", "wrong", "note"]
    said: str
    todo: str = ""
    install: tuple[str, ...] = ()

    def __str__(self) -> str:
        what = self.todo or " ".join(self.install)
        return f"{self.said}; {what}" if what else self.said


def line_of(finding: Finding, *, width: int) -> str:
    """A finding for a person, its topic in a column of that width."""
    return f"{finding.state:<6} {finding.topic:<{width}} {finding}"


def ok(topic: str, said: str) -> Finding:
    return Finding(topic=topic, state="fine", said=said)


def failure(topic: str, said: str, todo: str = "", *, install: Sequence[str] = ()) -> Finding:
    return Finding(topic=topic, state="wrong", said=said, todo=todo, install=tuple(install))


def note(topic: str, said: str, todo: str = "") -> Finding:
    return Finding(topic=topic, state="note", said=said, todo=todo)
