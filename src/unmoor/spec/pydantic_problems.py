"""Pydantic's errors as problems: one for each path, with a rule and a remedy."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, cast, get_args

from pydantic import BaseModel, ValidationError

from unmoor.errors import Problem
from unmoor.quantities import quote_truncated

from .models import PATTERN_WORDS
from .yaml_positions import Path, path_text

# Fields for a secret's name or source, where a user may have written its value by mistake.
HIDING = ("api_key", "credential", "password", "secret", "secrets", "token", "headers", "env")
KIND_ERRORS = ("_type", "literal_error")


def to_problems(error: ValidationError, model: type[BaseModel], raw: object, prefix: Path = ()) -> list[Problem]:
    """The problems of `raw` as that model, with paths below `prefix`."""
    found: dict[Path, list[Any]] = {}
    for detail in error.errors(include_url=False):
        found.setdefault(_path(detail, raw), []).append(detail)
    problems: list[Problem] = []
    for path, details in found.items():
        if all(_is_type_error(d) for d in details) and any(
            len(p) > len(path) and p[: len(path)] == path for p in found
        ):
            continue  # another branch of a union has a more specific error
        rule, remedy = _rule_and_remedy(details, path, model)
        problems.append(Problem(path=path_text((*prefix, *path)), rule=rule, remedy=remedy))
    return problems


def _path(detail: Any, raw: Any) -> Path:
    """The steps of the path that exist in `raw`; pydantic adds a step for the branch of a union."""
    path: list[str | int] = []
    for step in detail["loc"]:
        if _has(raw, step):
            raw = raw[step]
            path.append(step)
    return (*path, detail["loc"][-1]) if detail["type"] == "missing" else tuple(path)


def _has(raw: Any, step: str | int) -> bool:
    if isinstance(raw, list):
        return isinstance(step, int) and step < len(cast("list[Any]", raw))
    return isinstance(raw, Mapping) and step in raw


def _is_type_error(detail: Any) -> bool:
    return str(detail["type"]).endswith(KIND_ERRORS)


def _rule_and_remedy(details: Sequence[Any], path: Path, model: type[BaseModel]) -> tuple[str, str]:
    detail = details[0]
    kind, value, context = detail["type"], detail.get("input"), detail.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown_key(path, model)
    if kind == "missing":
        return "is required and missing", "add it"
    if kind == "value_error":
        rule, _, remedy = str(context["error"]).partition("; ")
        return rule, remedy or "correct it"
    if kind == "literal_error" and len(details) == 1:
        return f"{_value_text(value, path)} is not allowed", f"write {_allowed(detail)}"
    if kind == "string_pattern_mismatch":
        remedy = PATTERN_WORDS.get(context["pattern"], f"match {context['pattern']}")
        return f"{_value_text(value, path)} has the wrong format", remedy
    first, *others = dict.fromkeys(_expectation(d) for d in details)
    expected = [first, *(w.removeprefix("be ") if first.startswith("be ") else w for w in others)]
    return f"{_value_text(value, path)} is not allowed here", f"it must {' or '.join(expected)}"


def _expectation(detail: Any) -> str:
    if detail["type"] == "literal_error":
        return f"be {_allowed(detail)}"
    text = re.sub(r"^(Input|String|List|Dictionary|Decimal input) should ", "", detail["msg"])
    text = re.sub(r"a valid dictionary( or instance of \w+)?", "a mapping", text)
    return re.sub(r" after validation, not \d+$", "", text)


def _allowed(detail: Any) -> str:
    """The values that a literal allows, as YAML writes them."""
    return detail["ctx"]["expected"].replace("'", "").replace("True", "true")


def _value_text(value: Any, path: Path) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    names = {dict: "a mapping", list: "a list"}
    if type(value) in names:
        return names[type(value)]
    if value and isinstance(value, str) and _may_be_secret(value, path):
        return "the value"
    return quote_truncated(str(value) if not isinstance(value, str | int) else value)


def _may_be_secret(value: str, path: Path) -> bool:
    """Whether the value may be a secret: by its field, or because it is a URL with a password or a query."""
    return any(step in HIDING for step in path) or ("://" in value and ("@" in value or "?" in value))


def _unknown_key(path: Path, model: type[BaseModel]) -> tuple[str, str]:
    key = str(path[-1])
    known = _fields_at(model, path[:-1])
    near = get_close_matches(key, known, n=1)
    if near:
        return f"unknown key {quote_truncated(key)}", f"did you mean {near[0]}?"
    return f"unknown key {quote_truncated(key)}", f"known keys: {', '.join(known)}" if known else "remove it"


def _fields_at(model: type[BaseModel], path: Path) -> list[str]:
    """The fields of the model at that path."""
    current: type[BaseModel] | None = model
    for step in path:
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
