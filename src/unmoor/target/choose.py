"""A target's settings, read from the spec with the target's model; problems have positions in the spec."""

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
        """Every reason to reject the plan, with its position in the spec."""
        return self.loaded.with_positions(self.target.check(self.loaded.plan, self.settings))

    def require_accepted(self) -> SelectedTarget:
        """Itself; RefusedError with every reason if the target rejects the plan."""
        if found := self.problems():
            raise RefusedError(found)
        return self


def select_target(loaded: Loaded, name: str) -> SelectedTarget:
    """The target of that name with its settings; SpecError if they are invalid."""
    target = load(name)
    raw = dict(loaded.settings.get(name, {}))
    try:
        settings = target.settings.model_validate(raw)
    except ValidationError as error:
        raise SpecError(loaded.with_positions(to_problems(error, target.settings, raw, ("targets", name)))) from None
    return SelectedTarget(loaded=loaded, target=target, settings=settings)


def default_target(loaded: Loaded, name: str) -> str:
    """The named target, else the only one in the spec; SpecError if there are several."""
    if name:
        if name not in names():
            raise unknown_target_error(name)
        return name
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
