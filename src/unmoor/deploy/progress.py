"""Progress: a tree on a terminal, lines in a log, JSON for a program."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TextIO

from rich.console import Console
from rich.live import Live
from rich.text import Text
from rich.tree import Tree

from unmoor.deploy.agent_parts import ORDER, part_of
from unmoor.deploy.engine_events import NOTHING, Diagnostic, Event, Op, ResourceStep
from unmoor.target import PartMapping

DOING: dict[Op, str] = {
    "create": "creating",
    "update": "updating",
    "replace": "replacing",
    "create-replacement": "replacing",
    "delete": "deleting",
    "delete-replaced": "deleting the replaced",
}
DONE: dict[Op, str] = {
    "create": "created",
    "update": "updated",
    "replace": "replaced",
    "create-replacement": "replaced",
    "delete": "deleted",
    "delete-replaced": "deleted the replaced",
    "keep": "retained",
}


class Progress(Protocol):
    """Receives events inside its `with` block."""

    def __enter__(self) -> Progress: ...
    def __exit__(self, kind: object, error: object, at: object) -> None: ...
    def on_event(self, event: Event) -> None:
        """Shows an event; safe to call from any thread, one call at a time."""
        ...

    def note(self, text: str) -> None:
        """Shows a line of text."""
        ...


def make_progress(
    agent: str,
    serving: Sequence[PartMapping],
    *,
    as_json: bool,
    doing: str = "deploying",
    of: int = 0,
    stream: TextIO | None = None,
) -> Progress:
    """The progress display for the stream (default: standard error); JSON lines go to standard output.

    `of` is the number of resources, if it is known.
    """
    part = lambda step: part_of(agent, step.type, step.name, serving)  # noqa: E731
    if as_json:
        return JsonProgress(part=part, stream=stream or sys.stdout)
    console = Console(file=stream or sys.stderr, highlight=False)
    if console.is_terminal:
        return LiveProgress(part=part, console=console, doing=doing, of=of)
    return PlainProgress(part=part, stream=stream or sys.stderr)


@dataclass(kw_only=True)
class PlainProgress:
    """A line when an operation on a resource starts, and one when it ends, with its duration."""

    part: Callable[[ResourceStep], str]
    stream: TextIO
    clock: Callable[[], float] = time.monotonic
    begun: dict[tuple[str, str], float] = field(default_factory=dict[tuple[str, str], float])

    def __enter__(self) -> PlainProgress:
        return self

    def __exit__(self, kind: object, error: object, at: object) -> None:
        self.stream.flush()

    def on_event(self, event: Event) -> None:
        if isinstance(event, Diagnostic):
            if event.severity == "warning":
                self.note(f"warning: {_diagnostic_text(event)}")
        elif isinstance(event, ResourceStep) and event.op not in NOTHING and event.phase != "planned":
            self._step(event)

    def note(self, text: str) -> None:
        print(text, file=self.stream, flush=True)

    def _step(self, step: ResourceStep) -> None:
        if step.phase == "started":
            if step.op in DOING and step.op != "replace":
                self.begun[step.key] = self.clock()
                self.note(f"{self.part(step)}: {DOING[step.op]} {step.kind} {step.name}")
        elif step.phase == "failed":
            self.note(f"{self.part(step)}: FAILED {step.kind} {step.name}")
        elif step.op != "replace":
            seconds = self.clock() - self.begun.pop(step.key, self.clock())
            self.note(f"{self.part(step)}: {DONE.get(step.op, step.op)} {step.kind} {step.name} ({seconds:.1f} s)")


@dataclass(kw_only=True)
class JsonProgress:
    """One object a line: a `step`, a `message` or the `end`."""

    part: Callable[[ResourceStep], str]
    stream: TextIO

    def __enter__(self) -> JsonProgress:
        return self

    def __exit__(self, kind: object, error: object, at: object) -> None:
        self.stream.flush()

    def on_event(self, event: Event) -> None:
        if isinstance(event, ResourceStep):
            if event.op not in NOTHING:
                self._print(step_json(event, self.part(event)))
        elif isinstance(event, Diagnostic):
            found = {"severity": event.severity, "text": event.text, "type": event.type, "name": event.name}
            self._print({"event": "message", **found})
        else:
            self._print({"event": "end", "counts": dict(event.counts), "seconds": event.seconds})

    def note(self, text: str) -> None:
        self._print({"event": "message", "severity": "info", "text": text, "type": "", "name": ""})

    def _print(self, value: dict[str, object]) -> None:
        print(json.dumps(value, ensure_ascii=False), file=self.stream, flush=True)


def step_json(step: ResourceStep, part: str) -> dict[str, object]:
    found: dict[str, object] = {"event": "step", "phase": step.phase, "op": step.op, "part": part}
    return {**found, "type": step.type, "name": step.name, "because": list(step.diff_paths)}


@dataclass(kw_only=True)
class LiveProgress:
    """A tree of the agent's parts with the finished and running operations, redrawn as they change."""

    part: Callable[[ResourceStep], str]
    console: Console
    doing: str = "deploying"
    of: int = 0
    clock: Callable[[], float] = time.monotonic
    begun: float = 0.0
    running: dict[tuple[str, str], tuple[ResourceStep, float]] = field(default_factory=dict)
    ended: dict[str, dict[str, int]] = field(default_factory=dict)
    live: Live | None = None

    def __enter__(self) -> LiveProgress:
        self.begun = self.clock()
        self.live = Live(console=self.console, refresh_per_second=8, transient=True, get_renderable=self.tree)
        self.live.start()
        return self

    def __exit__(self, kind: object, error: object, at: object) -> None:
        if self.live is not None:
            self.live.stop()
        if self.ended:
            self.console.print(self.tree())

    def on_event(self, event: Event) -> None:
        if isinstance(event, Diagnostic):
            if event.severity == "warning":
                self.note(f"warning: {_diagnostic_text(event)}")
        elif (
            isinstance(event, ResourceStep)
            and event.op not in NOTHING
            and event.phase != "planned"
            and event.op != "replace"
        ):
            self._step(event)

    def note(self, text: str) -> None:
        self.console.print(Text(text))

    def _step(self, step: ResourceStep) -> None:
        if step.phase == "started":
            self.running[step.key] = (step, self.clock())
            return
        self.running.pop(step.key, None)
        word = "failed" if step.phase == "failed" else DONE.get(step.op, step.op)
        counts = self.ended.setdefault(self.part(step), {})
        counts[word] = counts.get(word, 0) + 1

    def tree(self) -> Tree:
        now, running = self.clock(), list(self.running.values())
        done = sum(n for counts in self.ended.values() for n in counts.values())
        counted = f", {done} of {self.of}" if self.of else f", {done} done" if done else ""
        tree = Tree(Text(f"{self.doing}{counted}, {now - self.begun:.0f} s", style="bold"), guide_style="dim")
        for part in ORDER:
            mine = [(s, since) for s, since in running if self.part(s) == part]
            counts = self.ended.get(part, {})
            if not mine and not counts:
                continue
            done_text = ", ".join(f"{n} {word}" for word, n in counts.items())
            branch = tree.add(Text.assemble(f"{part:11} ", (done_text, "red" if "failed" in counts else "green")))
            for step, since in mine:
                branch.add(Text(f"{DOING.get(step.op, step.op)} {step.kind} {step.name} {now - since:.0f} s", "yellow"))
        return tree


def _diagnostic_text(event: Diagnostic) -> str:
    text = " ".join(event.text.split())
    return f"{event.name}: {text}" if event.name else text
