"""Names within a platform's limits: stable, and different for any two agents and environments."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from unmoor import __version__

from .model import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class NameRule:
    """What a platform allows: length, and whether hyphens; names are always lower case and start with a letter."""

    max_length: int
    hyphens: bool = True
    source: str = ""


def physical_name(plan: Plan, role: str, rule: NameRule, *, scope: str = "") -> str:
    """`agent-environment-role`, cut and marked with a digest where it would be too long, or where `scope` is given.

    `scope` is what makes a name unique beyond one account: the account's own id, say. The digest is of agent,
    environment, role and scope, so equal inputs give equal names and different ones different names.
    """
    parts = [plan.agent, plan.environment, *([role] if role else [])]
    plain = "-".join(parts)
    if not scope and len(plain) <= rule.max_length and rule.hyphens and _is_unambiguous(plan, role):
        return plain
    digest = hashlib.sha256("\0".join([*parts, scope]).encode()).hexdigest()[:8]
    return _fitted(plain, digest, rule)


def tags(plan: Plan) -> dict[str, str]:
    """What every resource that takes tags or labels is marked with."""
    return {
        "agent": plan.agent,
        "environment": plan.environment,
        "version": __version__,
        "managed-by": "unmoor",
    }


def _is_unambiguous(plan: Plan, role: str) -> bool:
    """With a hyphen in the environment or the role, two agents' names could read alike; those get a digest."""
    return "-" not in plan.environment and "-" not in role


def _fitted(plain: str, digest: str, rule: NameRule) -> str:
    if not rule.hyphens:
        return re.sub(r"[^a-z0-9]", "", plain)[: rule.max_length - len(digest)] + digest
    return f"{plain[: rule.max_length - len(digest) - 1].rstrip('-')}-{digest}"
