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

BUNDLED = MappingProxyType({"bundled": True, "built": False})
BUILT = MappingProxyType({"bundled": False, "built": True})
BOTH = MappingProxyType({"bundled": True, "built": True})

Holder = Literal["gateway", "run", "guard"]


def bundled() -> Any:
    return field(metadata=BUNDLED)


def built() -> Any:
    return field(metadata=BUILT)


def both() -> Any:
    return field(metadata=BOTH)


@dataclass(frozen=True, slots=True, kw_only=True)
class Harness:
    """The agent program: its name, exact version, further arguments, and for `command` the program itself."""

    name: str = bundled()
    version: str = bundled()
    args: tuple[str, ...] = bundled()
    command: tuple[str, ...] = bundled()


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippedImage:
    """Built from the Dockerfile that unmoor ships, with this harness in this version."""

    harness: str = built()
    version: str = built()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageReference:
    """An image that exists already, used as it is."""

    reference: str = built()

    @property
    def registry(self) -> str:
        """The registry that it lies in: what stands before the first slash, if it can be a host at all."""
        first, slash, _ = self.reference.partition("/")
        return first if slash and ("." in first or ":" in first or first == "localhost") else "docker.io"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFolder:
    """Built from a folder of the user's that holds a Dockerfile; an absolute path."""

    folder: str = built()


Image = ShippedImage | ImageReference | ImageFolder


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """Whose model, which one, where, and the name of the secret that opens it."""

    provider: str = bundled()
    name: str = bundled()
    base_url: str = bundled()
    api_key: str = bundled()


@dataclass(frozen=True, slots=True, kw_only=True)
class Repo:
    """A git repository, what of it, where it goes; `credential` names a secret, or is empty."""

    url: str = bundled()
    ref: str = bundled()
    path: str = bundled()
    credential: str = bundled()


@dataclass(frozen=True, slots=True, kw_only=True)
class BundledFile:
    """A file of the bundle: its path there, its content's digest and size, and where it is read from here."""

    path: str = bundled()
    sha256: str = bundled()
    size_bytes: int = bundled()
    executable: bool = bundled()
    source: str = field(compare=False, metadata={"bundled": False, "built": False})


@dataclass(frozen=True, slots=True, kw_only=True)
class McpServer:
    """An MCP server: `url` and headers, or a command and its environment; the other two are empty."""

    name: str = bundled()
    url: str = bundled()
    headers: tuple[tuple[str, str], ...] = bundled()
    command: tuple[str, ...] = bundled()
    env: tuple[tuple[str, str], ...] = bundled()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verify:
    """How a webhook's sender is proved; `secret` is a name. What follows is empty but for hmac, and the last three are
    empty and 0 where no time is signed: the header that it is in, what is signed, how far it may be from now."""

    scheme: str = bundled()
    secret: str = bundled()
    header: str = bundled()
    algorithm: str = bundled()
    encoding: str = bundled()
    prefix: str = bundled()
    timestamp: str = bundled()
    payload: str = bundled()
    tolerance_s: int = bundled()


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A webhook trigger; `verify` is None where the user wrote `none`; `when` holds path and allowed values."""

    name: str = bundled()
    prompt: str = bundled()
    verify: Verify | None = bundled()
    when: tuple[tuple[str, tuple[str | int | bool, ...]], ...] = bundled()


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A schedule trigger: five-field cron in an IANA time zone, and what becomes of times that were missed."""

    name: str = both()
    prompt: str = bundled()
    cron: str = both()
    timezone: str = both()
    missed: Literal["skip", "run_once"] = bundled()


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """An email trigger: an IMAP mailbox and who may write to it; `password` names a secret.

    `authserv_id` is empty where any name of the server's domain will do; `smtp_host` is empty, and `smtp_port` 0, where
    no answer is sent; `address` is empty where nobody knows it.
    """

    name: str = bundled()
    prompt: str = bundled()
    host: str = bundled()
    port: int = bundled()
    user: str = bundled()
    password: str = bundled()
    allow_from: tuple[str, ...] = bundled()
    authserv_id: str = bundled()
    address: str = bundled()
    smtp_host: str = bundled()
    smtp_port: int = bundled()

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports of the servers that it talks to."""
        return (self.port, self.smtp_port) if self.smtp_host else (self.port,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How runs are run, and the size of one."""

    isolation: Literal["container", "process"] = both()
    timeout_s: int = bundled()
    max_concurrent: int = bundled()
    when_busy: Literal["queue", "skip"] = bundled()
    retries: int = bundled()
    session: str | None = bundled()
    max_cost_usd: Decimal | None = bundled()
    artifacts: tuple[str, ...] = bundled()
    cpu: Decimal = built()
    memory_mib: int = built()
    disk_mib: int = built()
    arch: Literal["amd64", "arm64"] = built()


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A secret by name: where its value comes from, never the value, and which parts of the agent hold it.

    `source` is env, config, file, existing or generated; `reference` is the variable, the key, or the path as written.
    """

    name: str = built()
    source: Literal["env", "config", "file", "existing", "generated"] = built()
    reference: str = built()
    holders: tuple[Holder, ...] = built()

    @property
    def variable(self) -> str:
        """The environment variable that carries it into a container that holds it."""
        return "UNMOOR_SECRET_" + self.name.upper().replace("-", "_")

    @property
    def origin(self) -> str:
        """Where the value comes from, in one word or two, fit to be shown: `env:ANTHROPIC_API_KEY`."""
        return f"{self.source}:{self.reference}" if self.reference else self.source


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """The service in front; `token` names the secret that opens its API."""

    cpu: Decimal = built()
    memory_mib: int = built()
    min: int = built()
    max: int = built()
    token: str = both()


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """The size of the guard that stands between a run and the world."""

    cpu: Decimal = built()
    memory_mib: int = built()


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """Host names that runs may reach (`egress_any`: all of them), and the gateway's own name."""

    egress_any: bool = bundled()
    egress: tuple[str, ...] = bundled()
    domain: str | None = both()


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long runs and logs are kept, in seconds."""

    runs_s: int = both()
    logs_s: int = built()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One agent in one environment, decided."""

    agent: str = both()
    environment: str = both()
    description: str = bundled()
    harness: Harness = both()
    image: Image = built()
    model: Model | None = both()
    instructions: str = bundled()
    repos: tuple[Repo, ...] = both()
    files: tuple[BundledFile, ...] = both()
    mcp_servers: tuple[McpServer, ...] = both()
    webhooks: tuple[Webhook, ...] = both()
    schedules: tuple[Schedule, ...] = both()
    mailboxes: tuple[Mailbox, ...] = both()
    run: Run = both()
    budget_per_day_usd: Decimal | None = bundled()
    secrets: tuple[Secret, ...] = built()
    gateway: Gateway = both()
    guard: Guard = built()
    network: Network = both()
    retention: Retention = both()

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

    def held_by(self, *holders: Holder) -> tuple[Secret, ...]:
        """The secrets that any of these parts holds, in the plan's order."""
        return tuple(s for s in self.secrets if set(holders) & set(s.holders))

    def secret(self, name: str) -> Secret:
        """The secret of that name; KeyError if the plan has none."""
        for secret in self.secrets:
            if secret.name == name:
                return secret
        raise KeyError(name)
