"""The contract between targets and the runtime: the image's entry points, ports, paths and variables.

Both sides import this module, so that they cannot drift apart. It imports nothing else of unmoor.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Protocol

# The image's user, and its writable folders: everything else is read-only.
UID = 10001
WORK_DIR = "/work"
TEMP_DIR = "/tmp"
# The mount point of secrets as files, named by their variables, on a platform without a secret store.
SECRETS_DIR = "/run/unmoor/secrets"
# The store's mount point on a platform whose store is a folder.
STORE_DIR = "/store"

GATEWAY_PORT = 8080
# Not 80 or 443, so that a rule for these ports never lets a run reach another host's guard.
GUARD_PORT = 8790
# The launcher, which holds a machine's Docker socket.
LAUNCHER_PORT = 8791

HEALTH_PATH = "/healthz"
READY_PATH = "/readyz"
# A run that has ended wakes the gateway by a request to this path.
WAKE_PATH = "/wake"
# The paths that managed container hosts require.
PING_PATH = "/ping"
INVOCATIONS_PATH = "/invocations"

ENTRYPOINT = ("unmoor-agent",)
SERVE = ("serve",)
GUARD = ("guard",)
LAUNCH = ("launch",)
# Seconds between SIGTERM and SIGKILL where the platform lets us choose; the shortest grace period of all targets is 10.
STOP_GRACE_S = 30
# Seconds for which a gateway serves on after SIGTERM, where the platform starts the next one first: the front may send
# requests until the gateway's address is out of every cache.
SERVE_ON_S = 15
# The same where the platform ends an instance 10 s after SIGTERM: open requests then have their 3 s, and a margin.
SERVE_ON_BRIEFLY_S = 5
# Processes and threads of one container that runs an agent's code.
PIDS_LIMIT = 512

SECRET_PREFIX = "UNMOOR_SECRET_"
# The secret that a run's token is derived from. Runners and guards hold it, harnesses do not.
RUN_TOKEN_KEY = "run-token-key"
# The variable that says to a run and the guard beside it that the guard is there for this run alone.
GUARD_RUNS, ONE_RUN = "UNMOOR_GUARD_RUNS", "one"


class NamedSchedule(Protocol):
    @property
    def name(self) -> str: ...


class NamedAgent(Protocol):
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
    """A container's health check; exit code 0 if it is healthy."""
    return (*ENTRYPOINT, "health", str(port))


def scheduled_run_command(schedule: NamedSchedule, delivery: str = "") -> tuple[str, ...]:
    """The command that starts a schedule's run; `delivery` is the platform's id of this fire time, if it has one."""
    return ("run", "--trigger", schedule.name, *(("--delivery", delivery) if delivery else ()))


def common_environment(plan: NamedAgent, *, target: str, bundle_sha256: str, store_url: str) -> dict[str, str]:
    """The variables of every container of the agent."""
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
    """Docker's HostConfig for a container that runs an agent's code: bounded resources, no privileges.

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
    """One environment of several, sorted by name; no name may have two values."""
    result: dict[str, str] = {}
    for environment in environments:
        for name, value in environment.items():
            assert result.setdefault(name, value) is value or result[name] == value, f"{name} is given twice"
    return dict(sorted(result.items()))
