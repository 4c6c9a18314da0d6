"""Text -> Spec and Plan: every problem at once, each with its file, line and column."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path as FilePath
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from .errors import Problem, SpecError
from .make_plan import make_plan
from .material import gather
from .plan import Plan
from .quantities import shown
from .rules import findings
from .spec import PATTERN_WORDS, Spec
from .yamltext import Document, Path, Place, path_text, read_yaml

DEFAULT_ENVIRONMENT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A spec for one environment, with what its files hold made into a plan, and where each path stands."""

    file: FilePath
    spec: Spec
    plan: Plan
    settings: Mapping[str, Mapping[str, Any]]
    places: Mapping[Path, Place]

    def located(self, problems: Iterable[Problem]) -> list[Problem]:
        """The problems with the places of their spec paths."""
        names = [t.name for t in self.spec.triggers]
        return [_located(p, str(self.file), self.places, names) for p in problems]


def load(file: FilePath | str, environment: str | None = None, *, changes: Mapping[str, Any] | None = None) -> Loaded:
    """The spec in the file, as it is in that environment; SpecError with every problem found.

    `file` may be the folder that holds an unmoor.yaml. Without an environment nothing is merged in, but every declared
    one is tried as well, so that a mistake in one is found here. `changes` maps spec paths to values set last.
    """
    path = _spec_file(FilePath(file))
    document = read_yaml(_content(path), str(path))
    raw = _mapping(document, str(path))
    environments = raw.get("environments")
    declared = list(environments) if isinstance(environments, dict) else []
    problems: dict[str, Problem] = {}
    if environment is not None and environment != DEFAULT_ENVIRONMENT and environment not in declared:
        raise SpecError([_undeclared(environment, declared, str(path), document.places)])
    tried = [DEFAULT_ENVIRONMENT, *declared] if environment is None else [environment]
    results = [_one(path, document, name, changes or {}, problems) for name in tried]
    if problems or results[0] is None:
        raise SpecError(sorted(problems.values(), key=lambda p: (p.line, p.column)))
    return results[0]


def read_plan(file: FilePath | str, environment: str | None = None) -> Plan:
    """The plan of the spec in the file; SpecError with every problem found."""
    return load(file, environment).plan


def _spec_file(path: FilePath) -> FilePath:
    return path / "unmoor.yaml" if path.is_dir() else path


def _content(path: FilePath) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise _unreadable(path, "there is no such file", "name a spec, or run unmoor init") from None
    except OSError as error:
        raise _unreadable(path, f"it cannot be read: {error.strerror}", "check its permissions") from None


def _unreadable(path: FilePath, rule: str, remedy: str) -> SpecError:
    return SpecError([Problem(path="spec", rule=rule, remedy=remedy, file=str(path))])


def _mapping(document: Document, file: str) -> dict[str, Any]:
    if isinstance(document.value, dict):
        return document.value
    kind = {list: "a list", str: "a text"}.get(type(document.value), "a single value")
    problem = Problem(path="spec", rule=f"a spec is a mapping, this is {kind}", remedy="start with version: 1")
    raise SpecError([replace(problem, file=file, line=1, column=1)])


def _undeclared(environment: str, declared: Sequence[str], file: str, places: Mapping[Path, Place]) -> Problem:
    near = get_close_matches(environment, declared, n=1)
    hint = f"did you mean {near[0]}? else " if near else ""
    problem = Problem(
        path="environments",
        rule=f"environment {environment} is not declared",
        remedy=f"{hint}add environments: {{{environment}: {{}}}}",
    )
    return _located(problem, file, places, [])


def _one(
    file: FilePath, document: Document, environment: str, changes: Mapping[str, Any], problems: dict[str, Problem]
) -> Loaded | None:
    """The spec in one environment, or None after its problems were added."""
    raw, places = _in_environment(document, environment)
    raw, places = _changed(raw, places, changes)
    found = _environment_problems(document.value, environment)
    spec, invalid = _validated(raw)
    found += invalid
    material = None
    if spec is not None:
        found += [Problem(path=path_text(p), rule=rule, remedy=remedy) for p, rule, remedy in findings(spec)]
        material, missing = gather(spec, file.parent)
        found += missing
    for problem in found:
        located = _located(problem, str(file), places, [])
        problems.setdefault(str(located), located)
    if spec is None or material is None or found:
        return None
    plan = make_plan(spec, environment, material)
    return Loaded(file=file, spec=spec, plan=plan, settings=spec.targets, places=places)


def _in_environment(document: Document, environment: str) -> tuple[dict[str, Any], dict[Path, Place]]:
    """The raw spec with the environment merged over it; a merged value's place is the environment's."""
    raw, places = copy.deepcopy(document.value), dict(document.places)
    environments = raw.get("environments")
    overlay = environments.get(environment) if isinstance(environments, dict) else None
    if isinstance(overlay, dict):
        _merge(raw, overlay, (), ("environments", environment), places)
    return raw, places


def _merge(
    base: dict[str, Any], overlay: Mapping[str, Any], path: Path, source: Path, places: dict[Path, Place]
) -> None:
    for key, value in overlay.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            _merge(base[key], value, (*path, key), (*source, key), places)
            continue
        base[key] = value
        for known in [p for p in places if p[: len(path) + 1] == (*path, key)]:
            del places[known]
        length = len(source) + 1
        moved = {(*path, key, *p[length:]): at for p, at in places.items() if p[:length] == (*source, key)}
        places.update(moved)


def _changed(
    raw: dict[str, Any], places: dict[Path, Place], changes: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[Path, Place]]:
    from .inputs import with_value

    for path, value in changes.items():
        raw = with_value(raw, path, value)
    return raw, places


def _environment_problems(raw: Mapping[str, Any], environment: str) -> list[Problem]:
    environments = raw.get("environments")
    overlay = environments.get(environment) if isinstance(environments, dict) else None
    if not isinstance(overlay, dict):
        return []
    remedies = {
        "name": "an environment cannot rename the agent; make a second spec",
        "version": "an environment cannot change the language",
        "environments": "environments do not nest",
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
        return None, problems_of(error, Spec)


def problems_of(error: ValidationError, model: type[BaseModel], prefix: Path = ()) -> list[Problem]:
    """A pydantic error in our words, one problem each, with paths below `prefix`."""
    problems: dict[str, Problem] = {}
    details = [(tuple(s for s in d["loc"] if not _is_union_branch(s)), d) for d in error.errors(include_url=False)]
    for path, detail in details:
        if detail["type"].endswith(("_type", "literal_error")) and any(
            len(p) > len(path) and p[: len(path)] == path for p, _ in details
        ):
            continue  # another branch of the union got further, and says more
        rule, remedy = _worded(detail, model)
        problem = Problem(path=path_text((*prefix, *path)), rule=rule, remedy=remedy)
        problems.setdefault(problem.path, problem)
    return list(problems.values())


def _is_union_branch(step: str | int) -> bool:
    """Pydantic names the branch of a union as a step of its own: a type's name, never a field's."""
    if isinstance(step, int):
        return False
    kinds = r"(str|int|bool|float|list|dict|literal|constrained-str|function-\w+|none|decimal)(\[.*\])?"
    return re.fullmatch(kinds, step) is not None or re.fullmatch(r"[A-Z]\w+", step) is not None


def _worded(detail: Any, model: type[BaseModel]) -> tuple[str, str]:
    kind, given, context = detail["type"], detail.get("input"), detail.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown_key(detail["loc"], model)
    if kind == "missing":
        return "is required and missing", "add it"
    if kind == "value_error":
        rule, _, remedy = str(context["error"]).partition("; ")
        return rule, remedy or "correct it"
    if kind == "literal_error":
        return f"{shown(given)} is not allowed", f"write {context['expected'].replace(chr(39), '')}"
    if kind == "string_pattern_mismatch":
        return f"{shown(given)} has the wrong form", PATTERN_WORDS.get(
            context["pattern"], f"match {context['pattern']}"
        )
    wanted = detail["msg"].removeprefix("Input should ").removeprefix("Value error, ")
    wanted = wanted.replace("String should have", "have").replace("List should have", "have")
    return f"{_kind(given)} is not allowed here", f"it must {wanted}"


def _kind(given: Any) -> str:
    if given is None:
        return "nothing (null)"
    names = {dict: "a mapping", list: "a list"}
    return names.get(type(given)) or shown(str(given) if not isinstance(given, str | bool | int) else given)


def _unknown_key(loc: Sequence[str | int], model: type[BaseModel]) -> tuple[str, str]:
    key = str(loc[-1])
    known = _fields_at(model, loc[:-1])
    near = get_close_matches(key, known, n=1)
    if near:
        return f"unknown key {shown(key)}", f"did you mean {near[0]}?"
    return f"unknown key {shown(key)}", f"known keys: {', '.join(known)}" if known else "remove it"


def _fields_at(model: type[BaseModel], loc: Sequence[str | int]) -> list[str]:
    """The fields of the model that a path leads to."""
    current: type[BaseModel] | None = model
    for step in loc:
        if current is None:
            return []
        if isinstance(step, str) and step in current.model_fields:
            current = _model_in(current.model_fields[step].annotation)
    return list(current.model_fields) if current else []


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = [m for a in get_args(annotation) if (m := _model_in(a)) is not None]
    return found[0] if found else None


def _located(problem: Problem, file: str, places: Mapping[Path, Place], triggers: Sequence[str]) -> Problem:
    """The problem at its path's place, or at that of the nearest part around it that was written."""
    if problem.file:
        return problem
    path = _steps(problem.path, triggers)
    while path and path not in places:
        path = path[:-1]
    place = places.get(path, Place(line=1, column=1))
    return replace(problem, file=file, line=place.line, column=place.column)


def _steps(path: str, triggers: Sequence[str]) -> Path:
    """A problem's path as steps; `triggers[NAME]` finds the trigger of that name."""
    found: list[str | int] = []
    for match in re.finditer(r"\[(\d+)\]|\['([^']*)'\]|\[([^\]]+)\]|([^.\[\]]+)", path):
        if match[1] is not None:
            found.append(int(match[1]))
        elif match[3] is not None and match[3] in triggers:
            found.append(triggers.index(match[3]))
        else:
            found.append(match[2] or match[3] or match[4])
    return tuple(found)
