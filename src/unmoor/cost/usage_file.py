"""usage.yaml: an agent's usage, read strictly, with a line for each mistake."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from unmoor.errors import InputError, Problem
from unmoor.pricing.usage import WORDS, parse_amount, parse_day_shape, runs_a_month
from unmoor.spec.yaml_positions import Document, Position, read_yaml

KEYS = (*WORDS, "day")
SUCH_AS = "write lines such as runs: 200/month"


def read_usage(path: Path) -> dict[str, Any]:
    """The file's values by the fields of a Usage; InputError with every problem."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError([_problem(path, "usage", f"cannot be read: {error.strerror}", "name a file")]) from None
    document = _document(content, path)
    if not isinstance(document.value, dict):
        raise InputError([_problem(path, "usage", "is not a mapping", SUCH_AS)])
    values, problems = dict[str, Any](), list[Problem]()
    for key, value in document.value.items():
        try:
            values[key] = _value(key, value)
        except ValueError as error:
            rule, _, remedy = str(error).partition("; ")
            problems.append(_with_position(_problem(path, key, rule, remedy), document.positions.get((key,))))
    problems += [_with_position(p, document.positions.get((p.path,))) for p in _clashes(path, values)]
    if problems:
        raise InputError(sorted(problems, key=lambda p: (p.line, p.column)))
    return values


def _document(content: bytes, path: Path) -> Document:
    """The YAML document; its problems are reported as a usage file's, not a spec's."""
    try:
        return read_yaml(content, str(path))
    except InputError as error:
        raise InputError(map(_as_usage_problem, error.problems)) from None


def _as_usage_problem(problem: Problem) -> Problem:
    remedy = SUCH_AS if problem.rule == "the file is empty" else problem.remedy
    return replace(problem, path="usage" if problem.path == "spec" else problem.path, remedy=remedy)


def _value(key: str, value: Any) -> Any:
    if key not in KEYS:
        near = get_close_matches(key, KEYS, n=1)
        raise ValueError(f"unknown key; {f'did you mean {near[0]}?' if near else 'known keys: ' + ', '.join(KEYS)}")
    if value is None:
        raise ValueError("is nothing (null); write a value or remove it")
    if key == "day":
        return parse_day_shape(value)
    return runs_a_month(value) if key == "runs" else parse_amount(value)


def _clashes(path: Path, values: Mapping[str, Any]) -> Iterator[Problem]:
    cached, tokens = values.get("cached_tokens"), values.get("input_tokens")
    if cached is not None and tokens is not None and cached > tokens:
        yield _problem(path, "cached_tokens", f"{cached} are more than the {tokens} input_tokens", "lower it")


def _problem(path: Path, key: str, rule: str, remedy: str) -> Problem:
    return Problem(key, rule, remedy, str(path))


def _with_position(problem: Problem, place: Position | None) -> Problem:
    return replace(problem, line=place.line, column=place.column) if place else problem
