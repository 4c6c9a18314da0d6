"""The plan: everything about one agent in one environment, decided.

`make_plan` is pure and total: the same spec gives the same plan, and every default is in unmoor.spec.defaults. A plan
holds no name of a cloud and no secret's value. A field is None only if its absence is the user's choice.

A plan is the configuration that the runtime reads (unmoor.runtime.config) plus the fields that decide what a target
builds, marked `in_build`. The conformance suite verifies both marks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Literal

from unmoor.container import secret_variable
from unmoor.runtime.config import (
    AgentConfig,
    FileEntry,
    GatewayConfig,
    RunLimits,
    RunRetention,
)

BUILT = MappingProxyType({"bundled": False, "built": True})

Holder = Literal["gateway", "run", "guard"]


def in_build() -> Any:
    """A field that decides what a target builds and that the runtime does not read."""
    return field(metadata=BUILT)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippedImage:
    """Built from the Dockerfile that unmoor ships, with this harness and version."""

    harness: str = in_build()
    version: str = in_build()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageReference:
    """An existing image, used unchanged."""

    reference: str = in_build()

    @property
    def registry(self) -> str:
        """The registry's host: the text before the first slash if it can be a host, else docker.io."""
        first, slash, _ = self.reference.partition("/")
        return first if slash and ("." in first or ":" in first or first == "localhost") else "docker.io"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFolder:
    """Built from the user's folder, which holds a Dockerfile; an absolute path."""

    folder: str = in_build()


Image = ShippedImage | ImageReference | ImageFolder


@dataclass(frozen=True, slots=True, kw_only=True)
class BundledFile(FileEntry):
    """A file of the bundle, and the path that it is read from on this machine."""

    source: str = field(compare=False, metadata={"bundled": False, "built": False})


@dataclass(frozen=True, slots=True, kw_only=True)
class Run(RunLimits):
    """How runs are isolated and limited, and the size of one."""

    cpu: Decimal = in_build()
    memory_mib: int = in_build()
    disk_mib: int = in_build()
    arch: Literal["amd64", "arm64"] = in_build()


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A secret by name: the source of its value, never the value, and the parts of the agent that hold it.

    `source` is env, config, file, existing or generated; `reference` is the variable, the key, or the path as written.
    """

    name: str = in_build()
    source: Literal["env", "config", "file", "existing", "generated"] = in_build()
    reference: str = in_build()
    holders: tuple[Holder, ...] = in_build()

    @property
    def variable(self) -> str:
        """The environment variable that carries it into a container that holds it."""
        return secret_variable(self.name)

    @property
    def source_label(self) -> str:
        """The source as text for a person: `env:ANTHROPIC_API_KEY`."""
        return f"{self.source}:{self.reference}" if self.reference else self.source


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayPlan(GatewayConfig):
    """The gateway's size, its least and greatest number of instances, and its token."""

    cpu: Decimal = in_build()
    memory_mib: int = in_build()
    min: int = in_build()
    max: int = in_build()


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardPlan:
    """The guard's size."""

    cpu: Decimal = in_build()
    memory_mib: int = in_build()


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention(RunRetention):
    """For how many seconds runs and logs are stored."""

    logs_s: int = in_build()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(AgentConfig):
    """One agent in one environment, decided."""

    image: Image = in_build()
    files: tuple[BundledFile, ...]
    run: Run
    secrets: tuple[Secret, ...] = in_build()
    gateway: GatewayPlan
    guard: GuardPlan = in_build()
    retention: Retention

    @property
    def service_cpu(self) -> Decimal:
        """Processors of the gateway's container, with one run's if runs are processes in it."""
        return self.gateway.cpu + (self.run.cpu if self.run.isolation == "process" else 0)

    @property
    def service_memory_mib(self) -> int:
        """Memory of the gateway's container, with one run's if runs are processes in it."""
        return self.gateway.memory_mib + (self.run.memory_mib if self.run.isolation == "process" else 0)

    @property
    def trigger_secrets(self) -> frozenset[str]:
        """The names of the secrets that sign webhooks and open mailboxes."""
        signed = {webhook.verify.secret for webhook in self.webhooks if webhook.verify}
        return frozenset(signed | {mailbox.password for mailbox in self.mailboxes})

    def secrets_held_by(self, *holders: Holder) -> tuple[Secret, ...]:
        """The secrets that any of these parts holds, in the plan's order."""
        return tuple(s for s in self.secrets if set(holders) & set(s.holders))

    def secret(self, name: str) -> Secret:
        """The secret of that name; KeyError if the plan has none."""
        for secret in self.secrets:
            if secret.name == name:
                return secret
        raise KeyError(name)
