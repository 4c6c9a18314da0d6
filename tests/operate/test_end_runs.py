"""`down` counts the runs that are going on, and ends them before anything of the agent goes."""

from __future__ import annotations

from typing import Any

import pytest
from gateways import TOKEN
from scripted_server import Said, answering

from unmoor.operate.end_runs import active_runs, end_runs
from unmoor.operate.errors import AgentUnreachable, NoSuchRun, OperateError
from unmoor.operate.gateway_agent import GatewayAgent
from unmoor.operate.gateway_client import GatewayHttp

READY = Said(200, {"status": "ready", "bundle": "b"})
RUN = "run-ybqr5rxvt-5z939m{}"


def agent_at(url: str) -> GatewayAgent:
    return GatewayAgent(http=GatewayHttp(url=url, token=TOKEN, token_from="the token", sleep=lambda s: None))


class Runs:
    """An agent whose runs end after so many looks at them."""

    def __init__(self, **looks: int) -> None:
        self.looks, self.cancelled = looks, list[str]()

    def cancel(self, run: str) -> str:
        self.cancelled.append(run)
        if run not in self.looks:
            raise NoSuchRun(run)
        return "running"

    def run(self, run: str) -> dict[str, Any]:
        if run not in self.looks:
            raise NoSuchRun(run)
        self.looks[run] -= 1
        return {"status": "running" if self.looks[run] >= 0 else "cancelled"}


def test_the_runs_that_are_queued_or_running_are_counted() -> None:
    found = [{"id": RUN.format(n), "status": s} for n, s in enumerate(("queued", "running", "succeeded", "lost"))]
    with answering(READY, Said(200, {"runs": found, "next_cursor": None})) as server:
        assert active_runs(agent_at(server.url)) == [RUN.format(0), RUN.format(1)]


def test_a_gateway_that_does_not_answer_counts_nothing() -> None:
    with pytest.raises(AgentUnreachable, match="nothing answers"):
        active_runs(agent_at("http://127.0.0.1:9"))


def test_each_run_is_cancelled_and_waited_for() -> None:
    agent, slept = Runs(a=0, b=3), list[float]()
    end_runs(agent, ["a", "b", "gone"], sleep=slept.append)  # type: ignore[arg-type]
    assert (agent.cancelled, slept) == (["a", "b", "gone"], [2, 2, 2])


def test_what_does_not_end_is_named_and_nothing_is_taken_down() -> None:
    clock = [0.0]

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    with pytest.raises(OperateError) as raised:
        end_runs(Runs(a=0, b=1000), ["a", "b"], sleep=sleep, ticks=lambda: clock[0])  # type: ignore[arg-type]
    assert str(raised.value) == (
        "1 cancelled runs have not ended after 90 s: b; nothing was taken down: run unmoor down again once they have ended"
    )
