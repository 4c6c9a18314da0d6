"""Steps as they happen, for a log, for a program and for a person."""

from __future__ import annotations

import io
import json
from itertools import count

from rich.console import Console

from unmoor.deploy.engine_events import Diagnostic, Op, Phase, ResourceStep, Summary
from unmoor.deploy.progress import JsonProgress, LiveProgress, PlainProgress, make_progress


def step(op: Op, phase: Phase, name: str = "a-guard") -> ResourceStep:
    return ResourceStep(op=op, phase=phase, type="d:index:Container", name=name)


def part(found: ResourceStep) -> str:
    return found.name.split("-")[1]


def clock():
    ticks = count()
    return lambda: float(next(ticks))


def test_a_log_has_a_line_at_the_beginning_and_at_the_end_of_each() -> None:
    stream = io.StringIO()
    with PlainProgress(part=part, stream=stream, clock=clock()) as lines:
        lines.on_event(step("same", "started"))
        lines.on_event(step("create", "started"))
        lines.on_event(Diagnostic(severity="warning", text="slow\ntoday", type="d:index:Container", name="a-guard"))
        lines.on_event(Diagnostic(severity="info", text="nothing that matters"))
        lines.on_event(step("create", "done"))
        lines.on_event(step("delete", "started", "a-run"))
        lines.on_event(step("delete", "failed", "a-run"))
        lines.on_event(Summary(counts={"create": 1}, seconds=2))
    assert stream.getvalue().splitlines() == [
        "guard: creating Container a-guard",
        "warning: a-guard: slow today",
        "guard: created Container a-guard (1.0 s)",
        "run: deleting Container a-run",
        "run: FAILED Container a-run",
    ]


def test_json_is_one_object_a_line() -> None:
    stream = io.StringIO()
    with JsonProgress(part=part, stream=stream) as lines:
        lines.on_event(step("create", "started"))
        lines.on_event(Diagnostic(severity="warning", text="slow"))
        lines.on_event(Summary(counts={"create": 1}, seconds=2))
    first, second, third = map(json.loads, stream.getvalue().splitlines())
    assert first == {
        "event": "step",
        "phase": "started",
        "op": "create",
        "part": "guard",
        "type": "d:index:Container",
        "name": "a-guard",
        "because": [],
    }
    assert (second["event"], second["severity"], third) == (
        "message",
        "warning",
        {"event": "end", "counts": {"create": 1}, "seconds": 2},
    )


def test_a_terminal_shows_what_is_under_way_and_counts_what_is_done() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=80, color_system=None)
    moving = LiveProgress(part=part, console=console, of=2, clock=clock())
    for event in (step("create", "started"), step("create", "done"), step("create", "started", "a-run")):
        moving.on_event(event)
    with console.capture() as captured:
        console.print(moving.tree())
    assert [line.rstrip() for line in captured.get().splitlines()] == [
        "deploying, 1 of 2, 2 s",
        "├── run",
        "│   └── creating Container a-run 1 s",
        "└── guard       1 created",
    ]


def test_without_a_terminal_there_are_plain_lines() -> None:
    assert isinstance(make_progress("a", [], as_json=False, stream=io.StringIO()), PlainProgress)
