"""The contract between a target and the container: one image, three entry points, its ports, paths and variables.

A target puts these into whatever its platform calls a container; the runtime reads them. Both sides import this
module, so that neither can drift. It imports nothing else of unmoor.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Protocol

# What the image runs as, and where it may write: everything else is read-only.
UID = 10001
WORK_DIR = "/work"
TEMP_DIR = "/tmp"
# Where secrets are mounted as files, each named by its variable, on a platform without a secret store.
SECRETS_DIR = "/run/unmoor/secrets"
# Where the store lies on a platform whose store is a directory.
STORE_DIR = "/store"

GATEWAY_PORT = 8080
# Apart from 80 and 443, so that a rule by port alone never leads from the run to another host's guard.
GUARD_PORT = 8790
# The one holder of a machine's Docker socket, where there is one.
LAUNCHER_PORT = 8791

HEALTH_PATH = "/healthz"
READY_PATH = "/readyz"
# Where a run that has ended says so to a gateway that may be asleep.
WAKE_PATH = "/wake"
# The paths that managed container hosts ask for.
PING_PATH = "/ping"
INVOCATIONS_PATH = "/invocations"

ENTRYPOINT = ("unmoor-agent",)
SERVE = ("serve",)
GUARD = ("guard",)
LAUNCH = ("launch",)
# Seconds between SIGTERM and SIGKILL where the platform lets us choose; the shortest grace of all targets is 10.
STOP_GRACE_S = 30
# Processes and threads of one container that runs an agent's code.
PIDS_LIMIT = 512

SECRET_PREFIX = "UNMOOR_SECRET_"


class NamedSchedule(Protocol):
    """A schedule of the plan."""

    @property
    def name(self) -> str: ...


class NamedAgent(Protocol):
    """The plan of an agent in one environment."""

    @property
    def agent(self) -> str: ...
    @property
    def environment(self) -> str: ...


def secret_variable(name: str) -> str:
    """The environment variable that carries the secret into the containers that hold it."""
    return SECRET_PREFIX + name.upper().replace("-", "_")


def secret_name_from_variable(variable: str) -> str:
    """The name that the spec gives the secret; the inverse of `secret_variable`."""
    return variable.removeprefix(SECRET_PREFIX).lower().replace("_", "-")


def health_check_command(port: int) -> tuple[str, ...]:
    """The command by which a container asks itself whether it is well; exit 0 if so."""
    return (*ENTRYPOINT, "health", str(port))


def scheduled_run_command(schedule: NamedSchedule, delivery: str = "") -> tuple[str, ...]:
    """The command that starts a schedule's run; `delivery` is the platform's id of this firing, where it has one."""
    return ("run", "--trigger", schedule.name, *(("--delivery", delivery) if delivery else ()))


def common_environment(plan: NamedAgent, *, target: str, bundle_sha256: str, store_url: str) -> dict[str, str]:
    """The variables that every container of the agent is given."""
    return {
        "UNMOOR_AGENT": plan.agent,
        "UNMOOR_ENVIRONMENT": plan.environment,
        "UNMOOR_TARGET": target,
        "UNMOOR_BUNDLE": bundle_sha256,
        "UNMOOR_STORE": store_url,
        "HOME": WORK_DIR,
        "TMPDIR": TEMP_DIR,
    }


def hardened_host_config(
    *, cpu: Decimal, memory_mib: int, network: object, mounts: object, tmpfs: Mapping[str, str], log_options: object
) -> dict[str, object]:
    """The HostConfig of a container that runs an agent's code, in the terms of Docker's API: bounded, no privileges.

    https://docs.docker.com/reference/api/engine/version/v1.45/#tag/Container/operation/ContainerCreate
    """
    return {
        "CapDrop": ["ALL"],
        "Init": True,
        "LogConfig": {"Type": "json-file", "Config": log_options},
        "Memory": memory_mib * 1024 * 1024,
        "MemorySwap": memory_mib * 1024 * 1024,
        "Mounts": mounts,
        "NanoCpus": int(cpu * 1_000_000_000),
        "NetworkMode": network,
        "PidsLimit": PIDS_LIMIT,
        "Privileged": False,
        "ReadonlyRootfs": True,
        "SecurityOpt": ["no-new-privileges:true"],
        "Tmpfs": tmpfs,
    }


def merge_environments(*environments: Mapping[str, str]) -> dict[str, str]:
    """One environment of several, sorted by name; a name that is given twice with different values is a mistake."""
    result: dict[str, str] = {}
    for environment in environments:
        for name, value in environment.items():
            assert result.setdefault(name, value) is value or result[name] == value, f"{name} is given twice"
    return dict(sorted(result.items()))
