"""Prompt templates: text with `{{ root.path }}` in it, and nothing more: no logic, no calls, no filters."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches

# What a template may name, and what it is when a run starts.
ROOTS = {
    "event": "what came: the webhook's body, the mail, the firing, or the API's request",
    "trigger": "the trigger's name and kind",
    "agent": "the agent's name and environment",
}
REFERENCE = re.compile(r"\s*([A-Za-z_]\w*)((?:\.[A-Za-z_][\w-]*|\[\d+\]|\.\d+)*)\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateProblem:
    """What a template has wrong, and what to do."""

    rule: str
    remedy: str


def problems_in(template: str) -> list[TemplateProblem]:
    """Everything that is wrong with a template; empty means it can be rendered."""
    found: list[TemplateProblem] = []
    rest = template
    while "{{" in rest:
        inside, closed, rest = rest.split("{{", 1)[1].partition("}}")
        found += _reference_problems(inside) if closed else [_unclosed()]
    if "{%" in template or "{#" in template:
        rule = "templates have no statements or comments"
        found.append(
            TemplateProblem(rule=rule, remedy="put values in with {{ event.… }} and let the prompt say the rest")
        )
    return found


def _unclosed() -> TemplateProblem:
    return TemplateProblem(rule="{{ is never closed", remedy="close it with }}")


def _reference_problems(inside: str) -> list[TemplateProblem]:
    match = REFERENCE.fullmatch(inside)
    if match is None:
        rule = f"{{{{{inside}}}}} is no reference"
        return [TemplateProblem(rule=rule, remedy="write {{ event.some.path }}; templates have no filters or calls")]
    root = match[1]
    if root in ROOTS:
        return []
    near = get_close_matches(root, ROOTS, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return [
        TemplateProblem(rule=f"unknown root {root!r} in a template", remedy=f"{hint}known roots: {', '.join(ROOTS)}")
    ]
