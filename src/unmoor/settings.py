"""A target's settings, read from the spec with the target's own model, problems placed in the spec."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ValidationError

from .errors import Problem, RefusedError, SpecError
from .load import Loaded
from .registry import distribution, load, names, unknown
from .target import Settings, Target
from .wording import problems_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A loaded spec with one target and its settings."""

    loaded: Loaded
    target: Target
    settings: Settings

    def problems(self) -> list[Problem]:
        """Every reason for which the target refuses the plan, each with its place in the spec."""
        return self.loaded.located(self.target.check(self.loaded.plan, self.settings))

    def accepted(self) -> Chosen:
        """Itself; RefusedError with every reason where the target refuses the plan."""
        if found := self.problems():
            raise RefusedError(found)
        return self


def choose(loaded: Loaded, name: str) -> Chosen:
    """The target of that name with its settings; SpecError where they break its model's rules."""
    target = load(name)
    raw = dict(loaded.settings.get(name, {}))
    try:
        settings = target.settings.model_validate(raw)
    except ValidationError as error:
        raise SpecError(loaded.located(problems_of(error, target.settings, raw, ("targets", name)))) from None
    return Chosen(loaded=loaded, target=target, settings=settings)


def target_of(loaded: Loaded, given: str) -> str:
    """The target that is given, else the only one that the spec has settings for; SpecError where there are more."""
    if given:
        if given not in names():
            raise unknown(given)
        return given
    found = list(loaded.settings)
    if len(found) == 1:
        return found[0]
    rule = f"the spec has settings for {', '.join(found)}" if found else "the spec has settings for no target"
    raise SpecError([Problem(path="targets", rule=rule, remedy="say which by -t", file=str(loaded.file))])


def unknown_targets(loaded: Loaded) -> list[Problem]:
    """A problem for every target that the spec has settings for and no installed distribution offers."""
    rule = "no installed distribution offers this target"
    remedy = f"install it, correct it or remove it; installed targets: {', '.join(names())}"
    found = [name for name in loaded.settings if name not in names()]
    return loaded.located(Problem(path=f"targets.{name}", rule=rule, remedy=remedy) for name in found)


def origin(name: str) -> str:
    """The distribution that offers a target."""
    return distribution(name)
