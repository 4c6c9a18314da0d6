"""An example on a target, as a stack of the real engine."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pulumi
from pulumi import automation
from real_engine import Engine

from unmoor.plan import Plan, Secret
from unmoor.program.program import program
from unmoor.spec.load import load
from unmoor.target import Settings
from unmoor.target.choose import select_target

ROOT = Path(__file__).resolve().parents[2]
TARGETS = ("aws-ecs", "azure-container-apps", "gcp-cloud-run", "vm-docker")
# What a resource's step means to a person; the old and the new one of a replacement have steps of their own.
UNTOLD = ("same", "read", "refresh", "create-replacement", "delete-replaced", "discard-replaced")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the engine did: how many resources fared how, and each that did not stay the same."""

    changes: dict[str, int]
    steps: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deploy:
    """A stack of the agent's, and what the engine did with it."""

    engine: Engine
    agent: str
    stack: automation.Stack

    def preview(self, **options: Any) -> Outcome:
        return self._told(self.stack.preview, options)

    def up(self, **options: Any) -> Outcome:
        return self._told(self.stack.up, options)

    def refresh(self, **options: Any) -> Outcome:
        return self._told(self.stack.refresh, options)

    def destroy(self, **options: Any) -> Outcome:
        return self._told(self.stack.destroy, options)

    def unaccounted(self) -> list[str]:
        """What exists and the state does not know, and what the state knows and does not exist.

        What is deleted first and was not made again yet is in the state, marked as such.
        """
        state = Counter(
            (r["type"], r["urn"].split("::")[-1])
            for r in self.engine.state(self.agent, self.stack.name)
            if r.get("custom") and not r["type"].startswith("pulumi:") and not r.get("pendingReplacement")
        )
        there = Counter((t.type, t.name) for t in self.engine.cloud.things())
        orphans = [f"orphan: {type_} {name}" for type_, name in (there - state).elements()]
        return [*orphans, *(f"missing: {type_} {name}" for type_, name in (state - there).elements())]

    def _told(self, act: Callable[..., Any], options: dict[str, Any]) -> Outcome:
        """Runs it; what it did is read off its events, which spares the calls that ask for it afterwards."""
        events: list[automation.EngineEvent] = []

        def keep(event: automation.EngineEvent) -> None:
            self.engine.events.append(event)
            events.append(event)

        with _unasked(self.stack):
            act(on_event=keep, **options)
        summaries = [e.summary_event for e in events if e.summary_event]
        changes = {str(getattr(k, "value", k)): n for k, n in summaries[-1].resource_changes.items()}
        steps = [e.resource_pre_event.metadata for e in events if e.resource_pre_event]
        told = {f"{_op(s)} {s.type} {s.urn.split('::')[-1]}" for s in steps if _op(s) not in UNTOLD}
        return Outcome(changes=changes, steps=sorted(t for t in told if "pulumi:pulumi:Stack" not in t))


def _op(step: Any) -> str:
    return str(getattr(step.op, "value", step.op))


@contextlib.contextmanager
def _unasked(stack: automation.Stack) -> Iterator[None]:
    with patch.object(stack, "outputs", dict), patch.object(stack, "info", lambda *_, **__: object()):
        yield


def planted(secret: Secret) -> str:
    """A value that would be found wherever it was written in plain."""
    return f"planted-value-of-{secret.name}"


def deploy(
    engine: Engine,
    example: str,
    target: str,
    *,
    environment: str | None = None,
    change: Callable[[Plan], Plan] = lambda plan: plan,
    settings: Callable[[Settings], Settings] = lambda settings: settings,
) -> Deploy:
    """The example's stack on the target; asked again with a change, the same stack with the changed program."""
    chosen = select_target(load(ROOT / "examples" / example, environment), target).require_accepted()
    plan, its = change(chosen.loaded.plan), settings(chosen.settings)

    def inline() -> None:
        program(chosen.target, plan, its, secret_value=lambda secret: pulumi.Output.secret(planted(secret)))

    stack = engine.stack(plan.agent, f"{environment or 'default'}.{target}", inline)
    return Deploy(engine=engine, agent=plan.agent, stack=stack)
