"""One agent in one environment on one target, as it is deployed: what would change, changing it, taking it down."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from unmoor.deploy.agent_parts import spec_path
from unmoor.deploy.engine_events import Event, ResourceStep
from unmoor.deploy.preview import Changes, changes_of
from unmoor.errors import SpecError
from unmoor.program.program import program
from unmoor.recording.compile import check_overrides
from unmoor.spec.load import load
from unmoor.stacks.config import missing_secret_problems, secret_value
from unmoor.stacks.interrupts import run_interruptible
from unmoor.stacks.last_command import record_command
from unmoor.stacks.retention import DownPlan, plan_down
from unmoor.stacks.stack_location import StackLocation, stack_location
from unmoor.stacks.workspace import StackWorkspace
from unmoor.target import Outputs, PartMapping
from unmoor.target.choose import SelectedTarget, default_target, select_target

Hear = Callable[[Event], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployRequest:
    """What a command names: the spec, how it is changed, and where it is deployed."""

    file: Path
    environment: str | None = None
    target: str = ""
    changes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    backend: str = ""
    secrets_provider: str = ""
    destroy_data: bool = False
    policy_packs: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A chosen agent at its place. `say` shows a line to whoever waits."""

    chosen: SelectedTarget
    place: StackLocation
    workspace: StackWorkspace
    say: Callable[[str], None]
    policy_packs: Sequence[str] = ()

    @property
    def agent(self) -> str:
        """The agent's name."""
        return self.chosen.loaded.plan.agent

    @property
    def title(self) -> str:
        """Agent, environment and target for a person."""
        return f"{self.agent} in {self.chosen.loaded.plan.environment} on {self.chosen.target.name}"

    @property
    def serving(self) -> list[PartMapping]:
        """What serves each part here."""
        return self.chosen.target.part_mappings(self.chosen.loaded.plan, self.chosen.settings)

    def preview(self, hear: Hear) -> Changes:
        """What `up` would change."""
        return self._previewed(partial(self.workspace.preview, policy_packs=self.policy_packs), hear)

    def up(self, hear: Hear) -> Outputs:
        """Makes what is asked for, and gives what it is reached by."""
        return self._done("up", partial(self.workspace.up, policy_packs=self.policy_packs), hear)

    def refresh(self, hear: Hear, *, repair: bool = False) -> Changes:
        """Takes what is really there into the state, and gives what of it had changed."""
        steps: list[ResourceStep] = []

        def hears(event: Event) -> None:
            # What is found to differ is known once a resource has been read, and is nothing that was done to it.
            if not isinstance(event, ResourceStep):
                hear(event)
            elif event.phase == "done":
                steps.append(replace(event, phase="planned"))

        self._done("refresh", partial(self.workspace.refresh, repair=repair), hears)
        return changes_of(self.agent, steps, self.serving)

    def retained_on_down(self) -> DownPlan:
        """What `down` leaves, and what it takes."""
        return plan_down(self.agent, self.workspace.deployment(), self.serving)

    def preview_down(self, hear: Hear, keep: DownPlan | None) -> Changes:
        """What `down` would do; without `keep` data goes as well."""
        changes = self._previewed(partial(self.workspace.preview_destroy, only=keep.going if keep else ()), hear)
        return changes if keep is not None else changes.including_data_loss()

    def down(self, hear: Hear, keep: DownPlan | None) -> None:
        """Takes the agent down. Without `keep` what holds data goes as well, and the stack with it."""
        if keep is not None and keep.data:
            return self._done("down", partial(self.workspace.destroy, only=keep.going), hear)
        if retained := self.retained_on_down().retained:
            self._done("down", partial(self.workspace.up, only=retained), hear)
        return self._done("down", self.workspace.destroy, hear)

    def _previewed(self, act: Callable[[Hear], None], hear: Hear) -> Changes:
        steps: list[ResourceStep] = []

        def hears(event: Event) -> None:
            steps.extend([event] if isinstance(event, ResourceStep) else [])
            hear(event)

        run_interruptible(partial(act, hears), interrupt=self.workspace.interrupt, say=self.say)
        return changes_of(self.agent, steps, self.serving)

    def _done(self, command: str, act: Callable[[Hear], Any], hear: Hear) -> Any:
        with record_command(self.place, command) as doing:

            def hears(event: Event) -> None:
                doing.done += isinstance(event, ResourceStep) and event.is_applied
                hear(event)

            return run_interruptible(partial(act, hears), interrupt=self.workspace.interrupt, say=self.say)


def load_deployment(asked: DeployRequest, *, say: Callable[[str], None], needing_values: bool = True) -> Deployment:
    """The deployment that is asked for; what spec, target or overrides refuse is raised before an engine starts.

    So are secrets of this machine without a value, where they will be needed.
    """
    changes = dict(asked.changes)
    loaded = load(asked.file, asked.environment, changes=changes)
    name = default_target(loaded, asked.target)
    if asked.destroy_data:
        changes[f"targets.{name}.destroy_data"] = True
        loaded = load(asked.file, asked.environment, changes=changes)
    chosen = select_target(loaded, name).require_accepted()
    check_overrides(chosen)
    plan = loaded.plan
    if needing_values and (missing := missing_secret_problems(plan, folder=loaded.file.parent)):
        raise SpecError(loaded.with_positions(missing))
    place = stack_location(plan.agent, plan.environment, name, backend=asked.backend)
    value = partial(secret_value, folder=loaded.file.parent, set_by=f"unmoor secrets set -t {name}")
    serving = chosen.target.part_mappings(plan, chosen.settings)
    workspace = StackWorkspace(
        place=place,
        program=partial(program, chosen.target, plan, chosen.settings, secret_value=value),
        secrets_provider=asked.secrets_provider or os.environ.get("UNMOOR_SECRETS_PROVIDER", ""),
        blamed=lambda type_, name: spec_path(plan.agent, type_, name, serving),
    )
    return Deployment(chosen=chosen, place=place, workspace=workspace, say=say, policy_packs=asked.policy_packs)
