"""One agent in one environment on one target: previewing, deploying, refreshing and taking it down."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from unmoor.deploy.agent_parts import spec_path
from unmoor.deploy.engine_events import Event, ResourceStep
from unmoor.deploy.preview import Changes, changes_of
from unmoor.errors import SpecError
from unmoor.recording.compile import check_overrides
from unmoor.spec.load import load
from unmoor.stacks.config import deploy_and_keep_config, missing_secret_problems
from unmoor.stacks.engine_run import EngineRun
from unmoor.stacks.failures import DeployError
from unmoor.stacks.last_command import record_command
from unmoor.stacks.retention import DownPlan, never_ready, plan_down
from unmoor.stacks.stack_location import StackLocation, stack_location
from unmoor.stacks.stack_outputs import stack_outputs
from unmoor.stacks.workspace import StackWorkspace
from unmoor.target import FailureHint, Outputs, PartMapping
from unmoor.target.choose import SelectedTarget, default_target, select_target

OnEvent = Callable[[Event], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployRequest:
    """The arguments of a command: the spec, changes to it, and where it is deployed."""

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
    """An agent on its target. `say` prints a line for the user, `wait` sleeps."""

    chosen: SelectedTarget
    place: StackLocation
    workspace: StackWorkspace
    say: Callable[[str], None]
    policy_packs: Sequence[str] = ()
    wait: Callable[[float], None] = time.sleep

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
        """What serves each part on this target."""
        return self.chosen.target.part_mappings(self.chosen.loaded.plan, self.chosen.settings)

    def preview(self, on_event: OnEvent) -> Changes:
        """What `up` would change."""
        run = self._engine_run(on_event)
        run.preview(replace=self._never_ready())
        return self._changes(run.steps)

    def up(self, on_event: OnEvent) -> Outputs:
        """Deploy the agent, and return its outputs; wait once for each kind of error that passes with time."""
        waited: set[FailureHint] = set()
        while True:
            run = self._engine_run(on_event)
            try:
                with record_command(self.place, "up", run):
                    run.up(replace=self._never_ready())
                return stack_outputs(self.workspace.export("--show-secrets"))
            except DeployError as error:
                fresh = [hint for hint in error.passing if hint not in waited]
                if not fresh or len(fresh) < len(error.passing):
                    raise
                seconds = max(hint.wait_s for hint in fresh)
                self.say(f"{error}\nthis passes: waiting {seconds} s, then deploying again")
                self.wait(seconds)
                waited.update(fresh)

    def refresh(self, on_event: OnEvent, *, repair: bool = False) -> Changes:
        """Read the real resources into the state, and return what differed from it."""
        # A step of a refresh reads a resource and changes nothing, so it is no progress to show.
        run = self._engine_run(lambda event: None if isinstance(event, ResourceStep) else on_event(event))
        with record_command(self.place, "refresh", run):
            run.refresh(repair=repair)
        return self._changes([replace(step, phase="planned") for step in run.steps if step.phase == "done"])

    def plan_down(self) -> DownPlan:
        """What `down` deletes, and what it retains."""
        return plan_down(self.agent, self.workspace.deployment(), self.serving)

    def preview_down(self, on_event: OnEvent, plan: DownPlan | None) -> Changes:
        """What `down` would do; without a plan it deletes data too."""
        run = self._engine_run(on_event)
        run.preview_destroy(only=plan.deleted if plan else ())
        changes = self._changes(run.steps)
        return changes if plan is not None else changes.including_data_loss()

    def down(self, on_event: OnEvent, plan: DownPlan | None) -> None:
        """Take the agent down; without a plan delete the resources that hold data and the stack too."""
        only = plan.deleted if plan is not None and plan.data else ()
        if not only and (retained := self.plan_down().retained):
            run = self._engine_run(on_event)
            with record_command(self.place, "down", run):
                self.workspace.read_state()
                run.up(only=retained)  # makes the engine forget that it retains them
        run = self._engine_run(on_event)
        with record_command(self.place, "down", run):
            run.destroy(only=only)

    def _never_ready(self) -> tuple[str, ...]:
        """The URNs of resources that failed when they were created, and that an update would not repair.

        The state is read once for these and for the local paths in it.
        """
        return never_ready(self.workspace.read_state(), self.chosen.target.recreated_if_never_ready)

    def _engine_run(self, on_event: OnEvent) -> EngineRun:
        return EngineRun(
            workspace=self.workspace,
            on_event=on_event,
            say=self.say,
            spec_path_of=lambda type_, name: spec_path(self.agent, type_, name, self.serving),
            policy_packs=self.policy_packs,
        )

    def _changes(self, steps: Sequence[ResourceStep]) -> Changes:
        return changes_of(self.agent, steps, self.serving)


def load_deployment(request: DeployRequest, *, say: Callable[[str], None], needs_secrets: bool = True) -> Deployment:
    """The requested deployment; SpecError or RefusedError before an engine starts.

    With `needs_secrets`, a secret of this machine that has no value is a SpecError too.
    """
    loaded = load(request.file, request.environment, changes=request.changes)
    name = default_target(loaded, request.target)
    if request.destroy_data:
        loaded = loaded.with_setting(name, "destroy_data", True)
    chosen = select_target(loaded, name).require_accepted()
    check_overrides(chosen)
    plan = loaded.plan
    if needs_secrets and (missing := missing_secret_problems(plan, folder=loaded.file.parent)):
        raise SpecError(loaded.with_positions(missing))
    place = stack_location(plan.agent, plan.environment, name, backend=request.backend)
    workspace = StackWorkspace(
        place=place,
        program=partial(deploy_and_keep_config, chosen, set_by=f"unmoor secrets set -t {name}"),
        secrets_provider=request.secrets_provider or os.environ.get("UNMOOR_SECRETS_PROVIDER", ""),
    )
    return Deployment(chosen=chosen, place=place, workspace=workspace, say=say, policy_packs=request.policy_packs)
