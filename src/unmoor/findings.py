"""The result of one check: its state, and how to fix a failure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The result of one check. A `note` is optional, or could not be determined.

    `install` is the command that installs what is missing; `doctor --install` runs those of Pulumi.
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
    """A finding as a line of text, with its topic in a column of that width."""
    return f"{finding.state:<6} {finding.topic:<{width}} {finding}"


def ok(topic: str, said: str) -> Finding:
    return Finding(topic=topic, state="fine", said=said)


def failure(topic: str, said: str, todo: str = "", *, install: Sequence[str] = ()) -> Finding:
    return Finding(topic=topic, state="wrong", said=said, todo=todo, install=tuple(install))


def note(topic: str, said: str, todo: str = "") -> Finding:
    return Finding(topic=topic, state="note", said=said, todo=todo)
