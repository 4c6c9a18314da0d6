"""The common part of the readers: a line is an object, an object is events, and the last report decides the outcome."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import ClassVar

from unmoor.runtime.events import HarnessEvent, ModelUsage, Notice, Tokens
from unmoor.runtime.json_values import Json, count, decode_object

from .protocol import HarnessOutcome, LaunchSpec, ProcessExit

# The limit of a line that is not an event, and becomes a notice.
_NOTICE_CHARACTERS = 2000
_REASON_CHARACTERS = 4000
_COLORS = re.compile(r"\x1b\[[0-9;]*m")


class JsonLinesReader:
    """Base of the readers of harnesses that print JSON lines.

    A subclass turns an object into events and updates `session`, `answer`, `failure` and `settled`: `settled` once the
    harness has reported its end, `failure` while its last report is a failure.
    """

    program: ClassVar[str] = ""

    def __init__(self, launch: LaunchSpec) -> None:
        self.session = ""
        self.answer = ""
        self.failure = ""
        self.settled = False
        self.model = launch.model.name if launch.model else ""

    def feed(self, line: str) -> Iterable[HarnessEvent]:
        value = decode_object(line)
        return plain_line_event(line) if value is None else tuple(self.read(value))

    def read(self, value: Json) -> Iterable[HarnessEvent]:
        """The events of an object in the stream."""
        raise NotImplementedError

    def outcome(self, end: ProcessExit) -> HarnessOutcome:
        no_result = "" if self.settled else describe_exit(self.program, end, " without a result")
        return harness_outcome(self.failure or no_result, session=self.session, answer=self.answer)

    def usage_events(self, tokens: Tokens, *, model: str = "") -> Iterator[HarnessEvent]:
        """The tokens as an event, if any. Their cost is not the harness's to report."""
        if tokens != Tokens():
            yield ModelUsage(model=model or self.model, tokens=tokens, cost_usd=None)


def read_tokens(value: object, **members: str) -> Tokens:
    """Tokens, each part of them read from the member of that name."""
    return Tokens(**{part: count(value, name) for part, name in members.items()})


def harness_outcome(reason: str, *, session: str, answer: str) -> HarnessOutcome:
    """Failed for this reason, or succeeded if it is empty."""
    status = "failed" if reason else "succeeded"
    return HarnessOutcome(status=status, reason=one_line(reason), session=session, answer=answer)


def plain_line_event(line: str) -> tuple[Notice, ...]:
    """A line that is not an object, as a notice."""
    text = line.strip()
    return (Notice(level="info", text=text[:_NOTICE_CHARACTERS]),) if text else ()


def describe_exit(program: str, end: ProcessExit, suffix: str = "") -> str:
    """How the process ended, with the last line of its stderr."""
    how = f"was terminated by signal {end.signal}" if end.signal is not None else f"exited with code {end.code}"
    last = last_line(end.stderr)
    return f"{program} {how}{suffix}" + (f": {last}" if last else "")


def last_line(stderr: str) -> str:
    """The last line that mentions an error, otherwise the last that is not empty; without colors."""
    lines = [line.strip() for line in _COLORS.sub("", stderr).splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return (errors or lines or [""])[-1]


def one_line(reason: str) -> str:
    """The reason on one line of limited length."""
    flat = " ".join(reason.split())
    return flat if len(flat) <= _REASON_CHARACTERS else flat[: _REASON_CHARACTERS - 1] + "…"
