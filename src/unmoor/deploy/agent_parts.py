"""The part of the agent and the spec path that a resource belongs to, derived from its name.

Every target names its resources `<agent>-<role>`, with the same roles.
"""

from __future__ import annotations

from collections.abc import Sequence

from unmoor.target import PARTS, PartMapping

# The first word of a role, and its part.
WORDS = {
    "bundle": "store",
    "certificates": "gateway",
    "cluster": "network",
    "domain": "gateway",
    "edge": "gateway",
    "environment": "network",
    "front": "gateway",
    "gateway": "gateway",
    "guard": "guard",
    "image": "image",
    "launch": "run",
    "launcher": "run",
    "logs": "logs",
    "network": "network",
    "out": "network",
    "proxy": "gateway",
    "redirect": "gateway",
    "registry": "image",
    "run": "run",
    "runs": "run",
    "schedule": "schedules",
    "schedules": "schedules",
    "secret": "secrets",
    "secrets": "secrets",
    "seed": "secrets",
    "store": "store",
    "vault": "secrets",
}
# The spec path of a part, if no more specific one is known.
PATHS = {"run": "resources", "guard": "model", "email": "triggers", "store": "retention.runs", "logs": "retention.logs"}
OTHER = "the rest"
ORDER = (*PARTS, OTHER)


def strip_agent_name(agent: str, name: str) -> str:
    """A resource's name without the agent's prefix; empty for the agent's component."""
    return "" if name == agent else name.removeprefix(f"{agent}-")


def part_of(agent: str, type_: str, name: str, serving: Sequence[PartMapping]) -> str:
    """One of unmoor.target.PARTS, or OTHER: by the name, else by a type that serves only one part."""
    word = strip_agent_name(agent, name).split("-")[0]
    if word in WORDS:
        return WORDS[word]
    served = [s.part for s in serving if type_ in s.types]
    return served[0] if len(served) == 1 else OTHER


def holds_data(agent: str, type_: str, name: str, serving: Sequence[PartMapping]) -> bool:
    """Whether the resource holds runs and sessions: it has a type that serves the store, and the store's name."""
    of_store = any(type_ in s.types for s in serving if s.part == "store")
    return of_store and strip_agent_name(agent, name).split("-")[0] == "store"


def spec_path(agent: str, type_: str, name: str, serving: Sequence[PartMapping]) -> str:
    """The spec path to report if the resource fails: the secret, the schedule, or the part."""
    found = strip_agent_name(agent, name)
    for prefix, path in (("secret-", "secrets.{}"), ("schedule-", "triggers[{}].schedule")):
        if found.startswith(prefix):
            return path.format(found.removeprefix(prefix))
    if found.split("-")[0] in ("domain", "redirect", "certificates"):
        return "network.domain"
    part = part_of(agent, type_, name, serving)
    return PATHS.get(part, part if part in PARTS else "targets")
