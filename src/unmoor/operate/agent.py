"""The client interface to a deployed agent, through its gateway or its store."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Any, Protocol

from unmoor.runtime.self_test_trigger import KIND as SELF_TEST
from unmoor.runtime.state import keys

from .errors import NoSuchRun, OperateError

# The page size of one request: the gateway's limit.
PAGE = 200
# How many of the newest runs to search for one that is not a self-test.
SOME = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryPage:
    """A page of runs or deliveries, and the cursor of the next page; empty on the last."""

    entries: tuple[dict[str, Any], ...]
    next: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """Events after a number, the number to continue after, and whether the run has ended."""

    events: tuple[dict[str, Any], ...]
    next: int
    done: bool


class AgentClient(Protocol):
    """The operations on an agent. Runs, events and deliveries have the HTTP API's fields."""

    def start(self, prompt: str, session: str) -> str:
        """Starts a run and returns its ID."""
        ...

    def runs(self, *, limit: int, cursor: str = "") -> EntryPage:
        """Runs, newest first."""
        ...

    def run(self, run: str) -> dict[str, Any]:
        """A run; NoSuchRun if it does not exist."""
        ...

    def events(self, run: str, *, after: int, wait_s: int) -> Events:
        """A run's events after a number; waits for events, the run's end or `wait_s`."""
        ...

    def cancel(self, run: str) -> str:
        """Cancels a run and returns its status."""
        ...

    def deliveries(self, *, limit: int, cursor: str = "", trigger: str = "") -> EntryPage:
        """Deliveries to triggers, newest first."""
        ...

    def close(self) -> None:
        """Closes the client."""
        ...


def iter_runs(agent: AgentClient, *, since: datetime | None = None) -> Iterator[dict[str, Any]]:
    """All runs, newest first, back to that time."""
    runs = _each(lambda cursor: agent.runs(limit=PAGE, cursor=cursor))
    return _back_to(since, runs, lambda run: keys.creation_time(run["id"]))


def iter_deliveries(
    agent: AgentClient, *, trigger: str = "", since: datetime | None = None
) -> Iterator[dict[str, Any]]:
    """All deliveries, newest first, back to that time."""
    found = _each(lambda cursor: agent.deliveries(limit=PAGE, cursor=cursor, trigger=trigger))
    return _back_to(since, found, lambda delivery: datetime.fromisoformat(delivery["at"]))


def _each(read: Callable[[str], EntryPage]) -> Iterator[dict[str, Any]]:
    """The entries of all pages."""
    cursor = ""
    while True:
        page = read(cursor)
        yield from page.entries
        if not page.next:
            return
        cursor = page.next


def _back_to(
    since: datetime | None, found: Iterator[dict[str, Any]], at: Callable[[dict[str, Any]], datetime]
) -> Iterator[dict[str, Any]]:
    return found if since is None else itertools.takewhile(lambda each: at(each) >= since, found)


def resolve_run(agent: AgentClient, run: str) -> dict[str, Any]:
    """The run with that id, or the newest one that is not a self-test; NoSuchRun, with the nearest id, if unknown."""
    if not run:
        newest = agent.runs(limit=SOME).entries
        if not newest:
            raise OperateError("the agent has no runs yet; unmoor trigger starts one")
        return next((each for each in newest if each["trigger"]["kind"] != SELF_TEST), newest[0])
    try:
        return agent.run(run)
    except NoSuchRun as error:
        near = get_close_matches(run, [each["id"] for each in agent.runs(limit=PAGE).entries], n=1)
        hint = f"did you mean {near[0]}?" if near else "unmoor runs lists them"
        raise NoSuchRun(f"{error}: {run}; {hint}") from None
