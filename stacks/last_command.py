"""What the last command on a stack left, so that the next one can say it: a note in this machine's folder."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from unmoor.stacks.failures import LockedError, StoppedError
from unmoor.stacks.stack_location import StackLocation

NOTE = "last.json"


@dataclass(kw_only=True)
class CommandProgress:
    """A command that is under way: `done` counts what it has finished."""

    done: int = 0


@contextlib.contextmanager
def record_command(place: StackLocation, command: str) -> Iterator[CommandProgress]:
    """Notes that the command has begun, and how it ended: a process that is killed leaves the beginning."""
    doing, since = CommandProgress(), datetime.now(UTC).isoformat(timespec="seconds")
    before = _read(place)
    note: dict[str, object] = {"command": command, "since": since}
    _write(place, {**note, "ended": "killed", "done": 0})
    ended = "failed"
    try:
        yield doing
        ended = "done"
    except LockedError:
        # Nothing was begun: what is known of the one that was is kept.
        ended = ""
        raise
    except StoppedError:
        ended = "stopped"
        raise
    finally:
        _write(place, {**note, "ended": ended, "done": doing.done} if ended else before)


def unfinished_command_note(place: StackLocation) -> str:
    """One line about a last command that did not end well here; nothing where it did, or where none is known."""
    found = _read(place)
    if found.get("ended", "done") == "done":
        return ""
    command, since, ended, done = (found.get(key, "") for key in ("command", "since", "ended", "done"))
    how = {"killed": "was killed, or is still running", "stopped": f"was stopped after {done} resources"}
    said = how.get(str(ended), f"failed after {done} resources")
    return f"the last {command}, begun {since}, {said}: this one goes on from there"


def _read(place: StackLocation) -> Mapping[str, Any]:
    """The note; empty where there is none, or none that can be read."""
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
