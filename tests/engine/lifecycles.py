"""An example's whole life on a target, by the same steps as the commands `up`, `refresh` and `down`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pulumi
from deploys import ROOT, planted
from real_engine import Engine

from unmoor.deploy.preview import Changes
from unmoor.plan import Plan
from unmoor.program.program import program
from unmoor.recording.compile import compile_graph
from unmoor.spec.load import load
from unmoor.stacks.deployment import Deployment
from unmoor.stacks.stack_location import stack_location
from unmoor.stacks.workspace import StackWorkspace
from unmoor.target.choose import SelectedTarget, select_target


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """An example on a target of the engine's cloud; `settings` are set over the example's own."""

    engine: Engine
    example: str
    target: str
    environment: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    lines: list[str] = field(default_factory=list[str])
    waits: list[float] = field(default_factory=list[float])

    def chosen(self, change: Callable[[Plan], Plan] = lambda plan: plan, **more: Any) -> SelectedTarget:
        """The example as the target takes it, changed."""
        loaded = load(ROOT / "examples" / self.example, self.environment)
        for key, value in {**self.settings, **more}.items():
            loaded = loaded.with_setting(self.target, key, value)
        loaded = replace(loaded, plan=change(loaded.plan))
        return select_target(loaded, self.target).require_accepted()

    def role(self, **more: Any) -> Mapping[str, Any]:
        """The role that `unmoor rights` prints."""
        chosen = self.chosen(**more)
        return chosen.target.deployer_policy(chosen.loaded.plan, chosen.settings, compile_graph(chosen))

    def up(self, change: Callable[[Plan], Plan] = lambda plan: plan, **more: Any) -> list[str]:
        """What `up` made, changed and deleted in the cloud."""
        with self.engine.cloud.changing() as found:
            self._deployment(self.chosen(change, **more)).up(lambda event: None)
        return found

    def refresh(self) -> Changes:
        """What `refresh` found to differ."""
        return self._deployment(self.chosen()).refresh(lambda event: None)

    def down(self, **more: Any) -> list[str]:
        """What `down` deleted; with `destroy_data` all."""
        deployment = self._deployment(self.chosen(**more))
        with self.engine.cloud.changing() as found:
            deployment.down(lambda event: None, None if more.get("destroy_data") else deployment.plan_down())
        return found

    def _deployment(self, chosen: SelectedTarget) -> Deployment:
        plan = chosen.loaded.plan
        place = stack_location(plan.agent, plan.environment, self.target)

        def inline(*, deployed_config: Mapping[str, str], **options: Any) -> None:
            value = lambda secret: pulumi.Output.secret(planted(secret))  # noqa: E731
            program(chosen.target, plan, chosen.settings, secret_value=value, **options)

        workspace = StackWorkspace(place=place, program=inline)
        return Deployment(
            chosen=chosen, place=place, workspace=workspace, say=self.lines.append, wait=self.waits.append
        )
