"""What the readers share: a line is an object, the object is events, and the end is judged by the last word."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import ClassVar, Literal

from unmoor.runtime.events import HarnessEvent, ModelUsage, Notice, Tokens

from .json_values import Json, decode_object
from .protocol import HarnessOutcome, LaunchSpec, ProcessExit

# A line that is no event is for people to see; more of it than this is not.
_REMARK_CHARACTERS = 2000
_REASON_CHARACTERS = 4000
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class JsonLinesReader:
    """Base of the readers of programs that write JSON lines.

    A subclass turns an object into events and keeps `session`, `answer`, `failure` and `settled` true as it goes:
    `settled` once the program has said that it is done, `failure` while the last that it said of it is bad.
    """

    program: ClassVar[str] = ""

    def __init__(self, job: LaunchSpec) -> None:
        self.session = ""
        self.answer = ""
        self.failure = ""
        self.settled = False
        self.model = job.model.name if job.model else ""

    def feed(self, line: str) -> Iterable[HarnessEvent]:
        value = decode_object(line)
        return plain_line_event(line) if value is None else tuple(self.read(value))

    def read(self, value: Json) -> Iterable[HarnessEvent]:
        """What an object of the stream means."""
        raise NotImplementedError

    def outcome(self, end: ProcessExit) -> HarnessOutcome:
        if self.failure:
            return self._ended("failed", self.failure)
        if self.settled:
            return self._ended("succeeded", "")
        return self._ended("failed", no_result_reason(self.program, end))

    def usage_events(self, tokens: Tokens, *, model: str = "") -> Iterator[HarnessEvent]:
        """The tokens as an event; nothing of none. What it cost is not for the program to say."""
        if tokens != Tokens():
            yield ModelUsage(model=model or self.model, tokens=tokens, cost_usd=None)

    def _ended(self, status: Literal["succeeded", "failed"], reason: str) -> HarnessOutcome:
        return HarnessOutcome(status=status, reason=one_line(reason), session=self.session, answer=self.answer)


def plain_line_event(line: str) -> tuple[Notice, ...]:
    """A line that is no object, for people to see; nothing of an empty one."""
    said = line.strip()
    return (Notice(level="info", text=said[:_REMARK_CHARACTERS]),) if said else ()


def no_result_reason(program: str, end: ProcessExit) -> str:
    """Why a run failed whose program ended, or stopped writing, before it said how it went."""
    how = f"was ended by signal {end.signal}" if end.signal is not None else f"ended with exit code {end.code}"
    last = last_line(end.stderr)
    return f"{program} {how} without saying how the run went" + (f": {last}" if last else "")


def last_line(said: str) -> str:
    """The last line that speaks of an error, or the last that holds anything; without colours."""
    lines = [line.strip() for line in _COLOURS.sub("", said).splitlines() if line.strip()]
    wrong = [line for line in lines if "error" in line.lower()]
    return (wrong or lines or [""])[-1]


def one_line(reason: str) -> str:
    """The reason on one line that is short enough to be read."""
    flat = " ".join(reason.split())
    return flat if len(flat) <= _REASON_CHARACTERS else flat[: _REASON_CHARACTERS - 1] + "…"
