"""Follows a run's events to its end, across lost connections."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from .agent import AgentClient
from .errors import AgentUnreachable, RejectedByGateway

# The duration of a long poll; API Gateway ends requests after 30 s:
# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
WAIT_S = 20
# How long a gateway may be unreachable, for example during a rollout, and the retry interval.
PATIENCE_S, PAUSE_S = 300.0, 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Follower:
    """Follows runs of an agent; `said` receives status messages for people."""

    agent: AgentClient
    notify: Callable[[str], None]
    sleep: Callable[[float], None] = time.sleep
    ticks: Callable[[], float] = time.monotonic

    def events(self, run: str, *, after: int = 0) -> Iterator[dict[str, Any]]:
        """Every event once, in order, until the run has ended."""
        waits_in_silence = True
        while True:
            found = self._next(run, after)
            yield from found.events
            after = found.next
            if found.done:
                return
            if waits_in_silence and not found.events:
                waits_in_silence = False
                self._say_why(run)

    def _next(self, run: str, after: int) -> Any:
        since = self.ticks()
        broken = False
        while True:
            try:
                found = self.agent.events(run, after=after, wait_s=WAIT_S)
            except (AgentUnreachable, RejectedByGateway) as error:
                if _is_lasting(error) or self.ticks() - since > PATIENCE_S:
                    raise
                if not broken:
                    self.notify(f"{error}; trying again")
                broken = True
                self.sleep(PAUSE_S)
            else:
                if broken:
                    self.notify("connected again")
                return found

    def _say_why(self, run: str) -> None:
        if self.agent.run(run)["status"] == "queued":
            self.notify(f"{run} waits in the queue")


def now(agent: AgentClient, run: str) -> Iterator[dict[str, Any]]:
    """The events so far."""
    after = 0
    while found := agent.events(run, after=after, wait_s=0):
        yield from found.events
        if found.done or not found.events:
            return
        after = found.next


def _is_lasting(error: AgentUnreachable | RejectedByGateway) -> bool:
    """Whether a retry would fail in the same way."""
    return isinstance(error, RejectedByGateway) and error.status < 500 and error.status not in (408, 429)
