"""Docker's names begin with agent and environment, so that agents can share a machine."""

from __future__ import annotations

from unmoor.plan import Plan
from unmoor.plan.physical_names import NameRule, physical_name

# A container's name is also its host name: https://www.rfc-editor.org/rfc/rfc1035#section-2.3.4
DOCKER = NameRule(63, source="https://docs.docker.com/reference/cli/docker/container/run/#name")

# Each prefix of the store is a volume.
PREFIXES = ("budget", "bundles", "deliveries", "queue", "runs", "sessions")
NAME_LIMITS = {
    f"docker:index/{kind.lower()}:{kind}.name": DOCKER.max_length for kind in ("Container", "Network", "Volume")
}


def name(plan: Plan, role: str) -> str:
    return physical_name(plan, role, DOCKER)
