"""Text -> Spec and Plan, with every problem at once and its file, line and column."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from unmoor.errors import Problem, SpecError
from unmoor.local_folders import SPEC_FILE
from unmoor.plan import Plan
from unmoor.value_paths import path_steps, set_at_path

from .context_files import read_spec_files
from .make_plan import make_plan
from .models import Spec
from .pydantic_problems import to_problems
from .rules import validate
from .yaml_positions import Document, Path, Position, path_text, read_yaml

DEFAULT_ENVIRONMENT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A spec in one environment, its plan, and the position of each path.

    `changes` are the values that override those of the file.
    """

    file: FilePath
    spec: Spec
    plan: Plan
    settings: Mapping[str, Mapping[str, Any]]
    positions: Mapping[Path, Position]
    changes: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def with_setting(self, target: str, name: str, value: Any) -> Loaded:
        """The same spec with one setting of a target changed."""
        own = {**self.settings.get(target, {}), name: value}
        changes = {**self.changes, f"targets.{target}.{name}": value}
        return replace(self, settings={**self.settings, target: own}, changes=changes)

    def with_positions(self, problems: Iterable[Problem]) -> list[Problem]:
        """The problems with the positions of their spec paths."""
        names = [t.name for t in self.spec.triggers]
        return [_located(p, str(self.file), self.positions, names) for p in problems]


def load(file: FilePath | str, environment: str | None = None, *, changes: Mapping[str, Any] | None = None) -> Loaded:
    """The spec of the file in that environment; SpecError with every problem found.

    `file` may be the folder of an unmoor.yaml. Without an environment nothing is merged, but each declared environment
    is validated too. `changes` maps spec paths to values that are set last.
    """
    path = _spec_file(FilePath(file))
    document = read_yaml(_content(path), str(path))
    raw = _mapping(document, str(path))
    environments = raw.get("environments")
    declared = list(environments) if isinstance(environments, dict) else []
    problems: dict[str, Problem] = {}
    if environment is not None and environment != DEFAULT_ENVIRONMENT and environment not in declared:
        raise SpecError([_undeclared(environment, declared, str(path), document.positions)])
    environments_to_read = [DEFAULT_ENVIRONMENT, *declared] if environment is None else [environment]
    results = [_read_environment(path, document, name, changes or {}, problems) for name in environments_to_read]
    if problems or results[0] is None:
        raise SpecError(sorted(problems.values(), key=lambda p: (p.line, p.column)))
    return results[0]


def read_plan(file: FilePath | str, environment: str | None = None) -> Plan:
    """The plan of the spec in the file; SpecError with every problem found."""
    return load(file, environment).plan


def _spec_file(path: FilePath) -> FilePath:
    return path / SPEC_FILE if os.path.isdir(path) else path


def _content(path: FilePath) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise _unreadable(path, "the file does not exist", "name a spec or run unmoor init") from None
    except OSError as error:
        raise _unreadable(path, f"cannot be read: {error.strerror}", "check its permissions") from None


def _unreadable(path: FilePath, rule: str, remedy: str) -> SpecError:
    return SpecError([Problem(path="spec", rule=rule, remedy=remedy, file=str(path))])


def _mapping(document: Document, file: str) -> dict[str, Any]:
    if isinstance(document.value, dict):
        return document.value
    kind = {list: "a list", str: "a text"}.get(type(document.value), "a single value")
    problem = Problem(path="spec", rule=f"a spec is a mapping, but this is {kind}", remedy="start with version: 1")
    raise SpecError([replace(problem, file=file, line=1, column=1)])


def _undeclared(environment: str, declared: Sequence[str], file: str, positions: Mapping[Path, Position]) -> Problem:
    near = get_close_matches(environment, declared, n=1)
    hint = f"did you mean {near[0]}? else " if near else ""
    problem = Problem(
        path="environments",
        rule=f"environment {environment} is not declared",
        remedy=f"{hint}add environments: {{{environment}: {{}}}}",
    )
    return _located(problem, file, positions, [])


def _read_environment(
    file: FilePath, document: Document, environment: str, changes: Mapping[str, Any], problems: dict[str, Problem]
) -> Loaded | None:
    """The spec in one environment, or None and its problems in `problems`."""
    raw, positions = _in_environment(document, environment)
    raw, positions = _with_changes(raw, positions, changes)
    found = _environment_problems(document.value, environment)
    spec, invalid = _validated(raw)
    found += invalid
    files = None
    if spec is not None:
        found += [Problem(path=path_text(p), rule=rule, remedy=remedy) for p, rule, remedy in validate(spec)]
        files, missing = read_spec_files(spec, file.parent)
        found += missing
    for problem in found:
        located = _located(problem, str(file), positions, [])
        problems.setdefault(str(located), located)
    if spec is None or files is None or found:
        return None
    plan = make_plan(spec, environment, files)
    return Loaded(file=file, spec=spec, plan=plan, settings=spec.targets, positions=positions, changes=changes)


def _in_environment(document: Document, environment: str) -> tuple[dict[str, Any], dict[Path, Position]]:
    """The raw spec with the environment merged over it; a merged value has its position in the environment."""
    raw, positions = copy.deepcopy(document.value), dict(document.positions)
    environments = raw.get("environments")
    overlay = environments.get(environment) if isinstance(environments, dict) else None
    if isinstance(overlay, dict):
        _merge(raw, overlay, (), ("environments", environment), positions)
    return raw, positions


def _merge(
    base: dict[str, Any], overlay: Mapping[str, Any], path: Path, source: Path, positions: dict[Path, Position]
) -> None:
    for key, value in overlay.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            _merge(base[key], value, (*path, key), (*source, key), positions)
            continue
        base[key] = value
        for known in [p for p in positions if p[: len(path) + 1] == (*path, key)]:
            del positions[known]
        length = len(source) + 1
        moved = {(*path, key, *p[length:]): at for p, at in positions.items() if p[:length] == (*source, key)}
        positions.update(moved)


def _with_changes(
    raw: dict[str, Any], positions: dict[Path, Position], changes: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[Path, Position]]:
    for path, value in changes.items():
        raw = set_at_path(raw, path, value)
    return raw, positions


def _environment_problems(raw: Mapping[str, Any], environment: str) -> list[Problem]:
    environments = raw.get("environments")
    overlay = environments.get(environment) if isinstance(environments, dict) else None
    if not isinstance(overlay, dict):
        return []
    if environment == DEFAULT_ENVIRONMENT:
        rule = f"{DEFAULT_ENVIRONMENT} is the name of the spec without an environment"
        return [Problem(path=f"environments.{environment}", rule=rule, remedy="move these values up or rename it")]
    remedies = {
        "name": "an environment cannot rename the agent; write a second spec",
        "version": "an environment cannot change the language",
        "environments": "environments cannot be nested",
    }
    return [
        Problem(path=f"environments.{environment}.{key}", rule=f"sets {key}", remedy=f"remove it: {why}")
        for key, why in remedies.items()
        if key in overlay
    ]


def _validated(raw: Mapping[str, Any]) -> tuple[Spec | None, list[Problem]]:
    try:
        return Spec.model_validate(raw), []
    except ValidationError as error:
        return None, to_problems(error, Spec, raw)


def _located(problem: Problem, file: str, positions: Mapping[Path, Position], triggers: Sequence[str]) -> Problem:
    """The problem with the position of its path, or of the nearest enclosing path in the file."""
    if problem.file:
        return problem
    path = _steps(problem.path, triggers)
    while path and path not in positions:
        path = path[:-1]
    position = positions.get(path, Position(line=1, column=1))
    return replace(problem, file=file, line=position.line, column=position.column)


def _steps(path: str, triggers: Sequence[str]) -> Path:
    """A problem's path as steps; `triggers[NAME]` is the trigger of that name."""
    steps = list(path_steps(path))
    if steps[:1] == ["triggers"] and len(steps) > 1 and steps[1] in triggers:
        steps[1] = triggers.index(str(steps[1]))
    return tuple(steps)
