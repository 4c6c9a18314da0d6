"""Every error that unmoor raises on purpose.

UnmoorError              exit 1: something failed
├── InputError           exit 2: what the user gave is wrong; holds every Problem found
│   ├── SpecError        the spec cannot be read or breaks a rule
│   └── RefusedError     the target cannot honour the plan
├── UnknownTargetError   exit 2: no installed distribution offers the target
└── BrokenTargetError    exit 1: the target's own distribution is at fault, which is named
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where it is, what rule it breaks, and what to do about it."""

    path: str
    rule: str
    remedy: str
    file: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.place}{self.path}: {self.rule}; {self.remedy}"

    @property
    def place(self) -> str:
        """`file:line:column: ` as far as it is known, else nothing."""
        if not self.file:
            return ""
        numbers = [str(n) for n in (self.line, self.column) if n]
        return ":".join([self.file, *numbers]) + ": "


class UnmoorError(Exception):
    """Base of every error raised on purpose; its message is for the user."""

    exit_code = 1


class InputError(UnmoorError):
    """What the user gave is wrong; `problems` holds all of it at once."""

    exit_code = 2

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))

    def __reduce__(self) -> tuple[type, tuple[tuple[Problem, ...]]]:
        return (type(self), (self.problems,))


class SpecError(InputError):
    """The spec cannot be read, or breaks a rule of the language."""


class RefusedError(InputError):
    """The target cannot honour the plan as it stands."""


class UnknownTargetError(UnmoorError):
    """No installed distribution offers a target of that name."""

    exit_code = 2


class BrokenTargetError(UnmoorError):
    """A target's distribution does not load, or two of them claim one name."""
