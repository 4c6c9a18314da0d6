"""The plan: everything about one agent in one environment, decided.

`make_plan` is pure and total: the same spec gives the same plan, and every default is in DEFAULTS below and nowhere
else. No cloud word, no secret's value. A field is None only where absence is a choice of the user's.

Each field says how it travels, which the conformance suite holds it to: BUNDLED fields are read by the runtime out of
the bundle's config.json, BUILT fields decide what a target builds, and some are both.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Literal

from unmoor.container import secret_variable

BUNDLED = MappingProxyType({"bundled": True, "built": False})
BUILT = MappingProxyType({"bundled": False, "built": True})
BOTH = MappingProxyType({"bundled": True, "built": True})

Holder = Literal["gateway", "run", "guard"]


def in_bundle() -> Any:
    return field(metadata=BUNDLED)


def in_build() -> Any:
    return field(metadata=BUILT)


def in_bundle_and_build() -> Any:
    return field(metadata=BOTH)


@dataclass(frozen=True, slots=True, kw_only=True)
class Harness:
    """The agent program: its name, exact version, further arguments, and for `command` the program itself."""

    name: str = in_bundle()
    version: str = in_bundle()
    args: tuple[str, ...] = in_bundle()
    command: tuple[str, ...] = in_bundle()


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippedImage:
    """Built from the Dockerfile that unmoor ships, with this harness in this version."""

    harness: str = in_build()
    version: str = in_build()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageReference:
    """An image that exists already, used as it is."""

    reference: str = in_build()

    @property
    def registry(self) -> str:
        """The registry that it lies in: what stands before the first slash, if it can be a host at all."""
        first, slash, _ = self.reference.partition("/")
        return first if slash and ("." in first or ":" in first or first == "localhost") else "docker.io"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFolder:
    """Built from a folder of the user's that holds a Dockerfile; an absolute path."""

    folder: str = in_build()


Image = ShippedImage | ImageReference | ImageFolder


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """Whose model, which one, where, and the name of the secret that opens it."""

    provider: str = in_bundle()
    name: str = in_bundle()
    base_url: str = in_bundle()
    api_key: str = in_bundle()


@dataclass(frozen=True, slots=True, kw_only=True)
class Repo:
    """A git repository, what of it, where it goes; `credential` names a secret, or is empty."""

    url: str = in_bundle()
    ref: str = in_bundle()
    path: str = in_bundle()
    credential: str = in_bundle()


@dataclass(frozen=True, slots=True, kw_only=True)
class BundledFile:
    """A file of the bundle: its path there, its content's digest and size, and where it is read from here."""

    path: str = in_bundle()
    sha256: str = in_bundle()
    size_bytes: int = in_bundle()
    executable: bool = in_bundle()
    source: str = field(compare=False, metadata={"bundled": False, "built": False})


@dataclass(frozen=True, slots=True, kw_only=True)
class McpServer:
    """An MCP server: `url` and headers, or a command and its environment; the other two are empty."""

    name: str = in_bundle()
    url: str = in_bundle()
    headers: tuple[tuple[str, str], ...] = in_bundle()
    command: tuple[str, ...] = in_bundle()
    env: tuple[tuple[str, str], ...] = in_bundle()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verify:
    """How a webhook's sender is proved; `secret` is a name. What follows is empty but for hmac, and the last three are
    empty and 0 where no time is signed: the header that it is in, what is signed, how far it may be from now."""

    scheme: str = in_bundle()
    secret: str = in_bundle()
    header: str = in_bundle()
    algorithm: str = in_bundle()
    encoding: str = in_bundle()
    prefix: str = in_bundle()
    timestamp: str = in_bundle()
    payload: str = in_bundle()
    tolerance_s: int = in_bundle()


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A webhook trigger; `verify` is None where the user wrote `none`; `when` holds path and allowed values."""

    name: str = in_bundle()
    prompt: str = in_bundle()
    verify: Verify | None = in_bundle()
    when: tuple[tuple[str, tuple[str | int | bool, ...]], ...] = in_bundle()


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A schedule trigger: five-field cron in an IANA time zone, and what becomes of times that were missed."""

    name: str = in_bundle_and_build()
    prompt: str = in_bundle()
    cron: str = in_bundle_and_build()
    timezone: str = in_bundle_and_build()
    missed: Literal["skip", "run_once"] = in_bundle()


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """An email trigger: an IMAP mailbox and who may write to it; `password` names a secret.

    `authserv_id` is empty where any name of the server's domain will do; `smtp_host` is empty, and `smtp_port` 0, where
    no answer is sent; `address` is empty where nobody knows it.
    """

    name: str = in_bundle()
    prompt: str = in_bundle()
    host: str = in_bundle()
    port: int = in_bundle()
    user: str = in_bundle()
    password: str = in_bundle()
    allow_from: tuple[str, ...] = in_bundle()
    authserv_id: str = in_bundle()
    address: str = in_bundle()
    smtp_host: str = in_bundle()
    smtp_port: int = in_bundle()

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports of the servers that it talks to."""
        return (self.port, self.smtp_port) if self.smtp_host else (self.port,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How runs are run, and the size of one."""

    isolation: Literal["container", "process"] = in_bundle_and_build()
    timeout_s: int = in_bundle()
    max_concurrent: int = in_bundle()
    when_busy: Literal["queue", "skip"] = in_bundle()
    retries: int = in_bundle()
    session: str | None = in_bundle()
    max_cost_usd: Decimal | None = in_bundle()
    artifacts: tuple[str, ...] = in_bundle()
    cpu: Decimal = in_build()
    memory_mib: int = in_build()
    disk_mib: int = in_build()
    arch: Literal["amd64", "arm64"] = in_build()


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A secret by name: where its value comes from, never the value, and which parts of the agent hold it.

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
        """Where the value comes from, in one word or two, fit to be shown: `env:ANTHROPIC_API_KEY`."""
        return f"{self.source}:{self.reference}" if self.reference else self.source


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayPlan:
    """The service in front; `token` names the secret that opens its API."""

    cpu: Decimal = in_build()
    memory_mib: int = in_build()
    min: int = in_build()
    max: int = in_build()
    token: str = in_bundle_and_build()


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardPlan:
    """The size of the guard that stands between a run and the world."""

    cpu: Decimal = in_build()
    memory_mib: int = in_build()


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkPlan:
    """Host names that runs may reach (`egress_any`: all of them), and the gateway's own name."""

    egress_any: bool = in_bundle()
    egress: tuple[str, ...] = in_bundle()
    domain: str | None = in_bundle_and_build()


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long runs and logs are kept, in seconds."""

    runs_s: int = in_bundle_and_build()
    logs_s: int = in_build()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One agent in one environment, decided."""

    agent: str = in_bundle_and_build()
    environment: str = in_bundle_and_build()
    description: str = in_bundle()
    harness: Harness = in_bundle_and_build()
    image: Image = in_build()
    model: Model | None = in_bundle_and_build()
    instructions: str = in_bundle()
    repos: tuple[Repo, ...] = in_bundle_and_build()
    files: tuple[BundledFile, ...] = in_bundle_and_build()
    mcp_servers: tuple[McpServer, ...] = in_bundle_and_build()
    webhooks: tuple[Webhook, ...] = in_bundle_and_build()
    schedules: tuple[Schedule, ...] = in_bundle_and_build()
    mailboxes: tuple[Mailbox, ...] = in_bundle_and_build()
    run: Run = in_bundle_and_build()
    budget_per_day_usd: Decimal | None = in_bundle()
    secrets: tuple[Secret, ...] = in_build()
    gateway: GatewayPlan = in_bundle_and_build()
    guard: GuardPlan = in_build()
    network: NetworkPlan = in_bundle_and_build()
    retention: Retention = in_bundle_and_build()

    @property
    def service_cpu(self) -> Decimal:
        """Processors of the gateway's container: its own, and one run's where runs live in it."""
        return self.gateway.cpu + (self.run.cpu if self.run.isolation == "process" else 0)

    @property
    def service_memory_mib(self) -> int:
        """Memory of the gateway's container: its own, and one run's where runs live in it."""
        return self.gateway.memory_mib + (self.run.memory_mib if self.run.isolation == "process" else 0)

    @property
    def trigger_secrets(self) -> frozenset[str]:
        """The names of the secrets that webhooks are signed with and mailboxes opened with."""
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
