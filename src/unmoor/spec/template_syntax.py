"""Prompt templates: text with `{{ root.path }}`, without logic, calls or filters."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches

from unmoor.runtime.prompt import REFERENCE_PATH
from unmoor.value_paths import path_steps

# The roots that a template may name, and their values when a run starts.
ROOTS = {
    "event": "the event: the webhook's body, the email, the scheduled time, or the API's request",
    "trigger": "the trigger's name and kind",
    "agent": "the agent's name and environment",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateProblem:
    """A mistake in a template, and its remedy."""

    rule: str
    remedy: str


def problems_in(template: str) -> list[TemplateProblem]:
    """Every mistake in a template; empty if it can be rendered."""
    found: list[TemplateProblem] = []
    rest = template
    while "{{" in rest:
        inside, closed, rest = rest.split("{{", 1)[1].partition("}}")
        found += _reference_problems(inside) if closed else [_unclosed()]
    if "{%" in template or "{#" in template:
        rule = "templates have no statements or comments"
        found.append(TemplateProblem(rule=rule, remedy="insert values with {{ event.… }} and write the rest as text"))
    return found


def _unclosed() -> TemplateProblem:
    return TemplateProblem(rule="{{ is not closed", remedy="close it with }}")


def _reference_problems(inside: str) -> list[TemplateProblem]:
    match = REFERENCE_PATH.fullmatch(inside)
    if match is None:
        rule = f"{{{{{inside}}}}} is not a valid reference"
        return [TemplateProblem(rule=rule, remedy="write {{ event.some.path }}; templates have no filters or calls")]
    root = str(path_steps(match[1])[0])
    if root in ROOTS:
        return []
    near = get_close_matches(root, ROOTS, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return [
        TemplateProblem(rule=f"unknown root {root!r} in a template", remedy=f"{hint}known roots: {', '.join(ROOTS)}")
    ]
