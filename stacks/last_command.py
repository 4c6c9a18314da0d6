"""A note in this machine's folder about the last command on a stack, for the next command to report."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from unmoor.stacks.failures import LockedError, StoppedError
from unmoor.stacks.stack_location import StackLocation

NOTE = "last.json"


class CommandProgress(Protocol):
    """A running command; `done` counts the resources that it has changed."""

    @property
    def completed_steps(self) -> int: ...


@contextlib.contextmanager
def record_command(place: StackLocation, command: str, progress: CommandProgress) -> Iterator[None]:
    """Record that the command has started, and how it ended; a killed process leaves the first record."""
    since = datetime.now(UTC).isoformat(timespec="seconds")
    before = _read(place)
    note: dict[str, object] = {"command": command, "since": since}
    _write(place, {**note, "ended": "killed", "done": 0})
    ended = "failed"
    try:
        yield
        ended = "done"
    except LockedError:
        # This command changed nothing: keep the note about the one before.
        ended = ""
        raise
    except StoppedError:
        ended = "stopped"
        raise
    finally:
        _write(place, {**note, "ended": ended, "done": progress.completed_steps} if ended else before)


def unfinished_command_note(place: StackLocation) -> str:
    """One line about the last command if it did not succeed here; else empty."""
    found = _read(place)
    if found.get("ended", "done") == "done":
        return ""
    command, since, ended, done = (found.get(key, "") for key in ("command", "since", "ended", "done"))
    how = {"killed": "was killed, or is still running", "stopped": f"was stopped after {done} resources"}
    outcome = how.get(str(ended), f"failed after {done} resources")
    return f"the last {command}, started {since}, {outcome}; this command continues from there"


def _read(place: StackLocation) -> Mapping[str, Any]:
    """The note; empty if it is missing or unreadable."""
    try:
        found = json.loads((place.folder / NOTE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write(place: StackLocation, note: Mapping[str, object]) -> None:
    place.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = place.folder / f".{NOTE}"
    beside.write_text(json.dumps(note), encoding="utf-8")
    beside.replace(place.folder / NOTE)
