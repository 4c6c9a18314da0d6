"""One operation of the engine on a stack: its events, its interruption and its errors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from unmoor.deploy.engine_events import Diagnostic, Event, ResourceStep
from unmoor.stacks.events import events_of
from unmoor.stacks.failures import Failure, translate_diagnostic
from unmoor.stacks.interrupts import run_interruptible
from unmoor.stacks.workspace import StackWorkspace


@dataclass(kw_only=True)
class EngineRun:
    """One operation on a stack. `on_event` receives every event, `say` a line when a signal stops the engine.

    `spec_path_of` gives the spec path of a resource's type and name. `only` restricts an operation to those URNs. Each
    method raises UnmoorError if the engine fails; an error of the program itself is raised unchanged.
    """

    workspace: StackWorkspace
    on_event: Callable[[Event], None]
    say: Callable[[str], None]
    spec_path_of: Callable[[str, str], str]
    policy_packs: Sequence[str] = ()
    steps: list[ResourceStep] = field(default_factory=list[ResourceStep])

    def __post_init__(self) -> None:
        self._failure = Failure(place=self.workspace.place, spec_path_of=self.spec_path_of)
        self._previewing = False

    @property
    def completed_steps(self) -> int:
        """How many resources were changed."""
        return self._failure.done

    def preview(self, *, replace: Sequence[str] = ()) -> None:
        """Report what `up` would do."""
        self._previewing = True
        self._run("preview", replace=list(replace) or None, policy_packs=list(self.policy_packs) or None)

    def up(self, *, only: Sequence[str] = (), replace: Sequence[str] = ()) -> None:
        """Create, update and delete resources as the program asks; the URNs in `replace` are created again."""
        packs = list(self.policy_packs) or None
        self._run("up", target=list(only) or None, replace=list(replace) or None, policy_packs=packs)

    def refresh(self, *, repair: bool = False) -> None:
        """Read the real resources into the state; `repair` also drops pending operations of a killed command."""
        self._run("refresh", clear_pending_creates=repair or None)

    def preview_destroy(self, *, only: Sequence[str] = ()) -> None:
        """Report what `destroy` would do."""
        self._previewing = True
        self._run("preview_destroy", target=list(only) or None)

    def destroy(self, *, only: Sequence[str] = ()) -> None:
        """Delete every resource and the stack; with `only`, those resources and not the stack."""
        self._run("destroy", target=list(only) or None, remove=not only)

    def _run(self, operation: str, **options: Any) -> None:
        operate = partial(self._operate, operation, **options)
        run_interruptible(operate, interrupt=self.workspace.cli.interrupt, say=self.say)

    def _operate(self, operation: str, **options: Any) -> None:
        stack = self.workspace.stack()
        with self.workspace.translated_errors(self._failure):
            getattr(stack, operation)(on_event=self._receive, **options)

    def _receive(self, event: Any) -> None:
        for found in events_of(event, previewing=self._previewing):
            self._failure.on_event(found)
            if isinstance(found, ResourceStep):
                self.steps.append(found)
            self.on_event(translate_diagnostic(found) if isinstance(found, Diagnostic) else found)
