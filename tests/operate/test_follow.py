"""A run is followed to its end, whatever happens to the gateway meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from unmoor.errors import UnmoorError
from unmoor.operate.agent import Events
from unmoor.operate.errors import AgentUnreachable, RejectedByGateway, Unauthorized
from unmoor.operate.follow_events import PATIENCE_S, Follower, now


def batch(*numbers: int, done: bool = False) -> Events:
    events = tuple({"n": n} for n in numbers)
    return Events(events=events, next=max(numbers, default=0), done=done)


class Scripted:
    """An agent whose answers are laid out."""

    def __init__(self, *answers: Any, status: str = "running") -> None:
        self.answers, self.status, self.after = list(answers), status, list[int]()

    def events(self, run: str, *, after: int, wait_s: int) -> Events:
        self.after.append(after)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return Events(events=answer.events, next=answer.next or after, done=answer.done)

    def run(self, run: str) -> dict[str, Any]:
        return {"status": self.status}


def followed(agent: Any, said: list[str] | None = None) -> list[int]:
    clock = [0.0]

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    heard = [] if said is None else said
    follower = Follower(agent=agent, notify=heard.append, sleep=sleep, ticks=lambda: clock[0])
    return [event["n"] for event in follower.events("run-1")]


def test_it_asks_on_from_the_last_event_until_nothing_more_comes() -> None:
    agent = Scripted(batch(1, 2), batch(), batch(3, done=True))
    assert followed(agent) == [1, 2, 3]
    assert agent.after == [0, 2, 2]


def test_a_connection_that_breaks_costs_no_event_and_is_said_once() -> None:
    said: list[str] = []
    gone = AgentUnreachable("x: nothing answers")
    agent = Scripted(batch(1), gone, gone, RejectedByGateway("x: stopping", status=503), batch(2, done=True))
    assert followed(agent, said) == [1, 2]
    assert agent.after == [0, 1, 1, 1, 1]
    assert said == ["x: nothing answers; trying again", "connected again"]


def test_a_gateway_that_stays_away_is_given_up_in_the_end() -> None:
    agent = Scripted(AgentUnreachable("x: nothing answers"))
    with pytest.raises(AgentUnreachable):
        followed(agent)
    assert len(agent.after) == PATIENCE_S / 2 + 2


@pytest.mark.parametrize("fault", [Unauthorized("x"), RejectedByGateway("x", status=400)])
def test_what_would_not_change_is_not_asked_again(fault: UnmoorError) -> None:
    agent = Scripted(fault)
    with pytest.raises(type(fault)):
        followed(agent)
    assert len(agent.after) == 1


def test_who_waits_in_silence_is_told_that_the_run_waits() -> None:
    said: list[str] = []
    followed(Scripted(batch(), batch(), batch(1, done=True), status="queued"), said)
    assert said == ["run-1 waits in the queue"]


def test_what_there_is_now_ends_where_there_is_nothing_more() -> None:
    agent: Any = Scripted(batch(1), batch(2), batch())
    assert [event["n"] for event in now(agent, "run-1")] == [1, 2]
