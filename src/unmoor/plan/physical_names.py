"""Names within a platform's limits: stable, and unique to an agent and environment."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from unmoor import __version__

from .model import Plan


@dataclass(frozen=True, slots=True)
class NameRule:
    """A platform's limits: length, and whether hyphens are allowed. Names are lower case and start with a letter."""

    max_length: int
    hyphens: bool = True
    source: str = ""


def physical_name(plan: Plan, role: str, rule: NameRule, *, scope: str = "") -> str:
    """`agent-environment-role`, cut and extended by a digest if it is too long or `scope` is given.

    `scope` makes a name unique beyond one account, such as the account's id. The digest covers agent, environment, role
    and scope, so names are equal only if their inputs are.
    """
    parts = [plan.agent, plan.environment, *([role] if role else [])]
    plain = "-".join(parts)
    if not scope and len(plain) <= rule.max_length and rule.hyphens and _is_unambiguous(plan, role):
        return plain
    digest = hashlib.sha256("\0".join([*parts, scope]).encode()).hexdigest()[:8]
    return _fit(plain, digest, rule)


def tags(plan: Plan) -> dict[str, str]:
    """The tags or labels of every resource that takes them; a new release of unmoor does not change them."""
    return {"agent": plan.agent, "environment": plan.environment, "managed-by": "unmoor"}


def release_tags(plan: Plan) -> dict[str, str]:
    """The tags of what a release rolls: also the version of unmoor."""
    return {**tags(plan), "version": __version__}


def _is_unambiguous(plan: Plan, role: str) -> bool:
    """Whether the name needs no digest: with a hyphen in environment or role, two agents' names could be equal."""
    return "-" not in plan.environment and "-" not in role


def _fit(plain: str, digest: str, rule: NameRule) -> str:
    if not rule.hyphens:
        return re.sub(r"[^a-z0-9]", "", plain)[: rule.max_length - len(digest)] + digest
    return f"{plain[: rule.max_length - len(digest) - 1].rstrip('-')}-{digest}"
