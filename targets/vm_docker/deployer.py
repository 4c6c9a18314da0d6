"""The rights of the deploying user: access to the machine's Docker, which equals root.

https://docs.docker.com/engine/security/#docker-daemon-attack-surface
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from unmoor.graph import Resource
from unmoor.plan import Plan

from .describe import public_name
from .settings import DockerSettings
from .sizes import listening_port

# The only command that Docker's clients run over ssh: https://docs.docker.com/engine/security/protect-access/
DIAL = "docker system dial-stdio"


def deployer_policy(plan: Plan, settings: DockerSettings, resources: Iterable[Resource]) -> Mapping[str, Any]:
    """The deploying user's groups, and the options of their key in the machine's `authorized_keys`."""
    if not settings.host.startswith("ssh://"):
        return {"host": settings.host, "groups": ["docker"]}
    options = ["restrict", *_port_forwarding(plan, settings), f'command="{DIAL}"']
    return {"host": settings.host, "groups": ["docker"], "authorized_keys": ",".join(options)}


def _port_forwarding(plan: Plan, settings: DockerSettings) -> list[str]:
    """The forwarding of a loopback gateway's port, for `verify` and other commands."""
    if public_name(plan, settings):
        return []
    return ["port-forwarding", f'permitopen="127.0.0.1:{listening_port(plan, settings)}"']
