"""What IAM allows by the statements of a policy: actions and resources by name, and the conditions that unmoor writes.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

OPERATORS = {"ArnEquals": fnmatchcase, "ArnLike": fnmatchcase, "StringEquals": str.__eq__, "StringLike": fnmatchcase}


def is_allowed(statements: Iterable[Mapping[str, Any]], action: str, resource: str, **context: str) -> bool:
    """Whether one of the statements allows the action; a context key's colon is written as two underscores."""
    known = {key.replace("__", ":"): value for key, value in context.items()}
    return any(_allows(statement, action, resource, known) for statement in statements)


def _allows(statement: Mapping[str, Any], action: str, resource: str, context: Mapping[str, str]) -> bool:
    if statement["Effect"] != "Allow" or action not in statement["Action"]:
        return False
    return any(fnmatchcase(resource, r) for r in statement["Resource"]) and all(
        key in context and any(OPERATORS[operator](context[key], value) for value in _listed(wanted))
        for operator, pairs in statement.get("Condition", {}).items()
        for key, wanted in pairs.items()
    )


def _listed(wanted: str | list[str]) -> list[str]:
    return [wanted] if isinstance(wanted, str) else wanted
