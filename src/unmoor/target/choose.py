"""A target's settings, read from the spec with the target's own model, problems placed in the spec."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ValidationError

from unmoor.errors import Problem, RefusedError, SpecError
from unmoor.spec.load import Loaded
from unmoor.spec.pydantic_problems import to_problems

from .contract import Target
from .registry import load, names, unknown_target_error
from .settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectedTarget:
    """A loaded spec with one target and its settings."""

    loaded: Loaded
    target: Target
    settings: Settings

    def problems(self) -> list[Problem]:
        """Every reason for which the target refuses the plan, each with its place in the spec."""
        return self.loaded.with_positions(self.target.check(self.loaded.plan, self.settings))

    def require_accepted(self) -> SelectedTarget:
        """Itself; RefusedError with every reason where the target refuses the plan."""
        if found := self.problems():
            raise RefusedError(found)
        return self


def select_target(loaded: Loaded, name: str) -> SelectedTarget:
    """The target of that name with its settings; SpecError where they break its model's rules."""
    target = load(name)
    raw = dict(loaded.settings.get(name, {}))
    try:
        settings = target.settings.model_validate(raw)
    except ValidationError as error:
        raise SpecError(loaded.with_positions(to_problems(error, target.settings, raw, ("targets", name)))) from None
    return SelectedTarget(loaded=loaded, target=target, settings=settings)


def default_target(loaded: Loaded, given: str) -> str:
    """The target that is given, else the only one that the spec has settings for; SpecError where there are more."""
    if given:
        if given not in names():
            raise unknown_target_error(given)
        return given
    found = list(loaded.settings)
    if len(found) == 1:
        return found[0]
    rule = f"the spec has settings for {', '.join(found)}" if found else "the spec has settings for no target"
    raise SpecError([Problem("targets", rule, "say which by -t", str(loaded.file))])


def unknown_targets(loaded: Loaded) -> list[Problem]:
    """A problem for every target that the spec has settings for and no installed distribution offers."""
    rule = "no installed distribution offers this target"
    remedy = f"install it, correct it or remove it; installed targets: {', '.join(names())}"
    found = [name for name in loaded.settings if name not in names()]
    return loaded.with_positions(Problem(f"targets.{name}", rule, remedy) for name in found)
