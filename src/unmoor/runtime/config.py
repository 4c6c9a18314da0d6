"""One agent in one environment, as config.json of the bundle holds it: the only declaration of what the runtime reads.

The plan (unmoor.plan) is made of these values and adds what decides the build. Every field here is in the bundle; a
field marked `in_bundle_and_build` also decides what a target builds.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields, is_dataclass
from decimal import Decimal
from functools import cache
from types import MappingProxyType, NoneType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from .errors import ConfigurationError

FORMAT = 1
# The spec paths of the two caps, for messages and events.
RUN_CAP, DAY_CAP = "run.max_cost_usd", "budget.per_day_usd"
BOTH = MappingProxyType({"bundled": True, "built": True})

Config = TypeVar("Config")


def in_bundle_and_build() -> Any:
    """A field that the runtime reads and that also decides what a target builds."""
    return field(metadata=BOTH)


@dataclass(frozen=True, slots=True, kw_only=True)
class Harness:
    """The agent program: its name, exact version, additional arguments, and for `command` the program itself."""

    name: str
    version: str
    args: tuple[str, ...]
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """The provider, the model, its API's address, and the name of the secret that holds the key."""

    provider: str
    name: str
    base_url: str
    api_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Repo:
    """A git repository to clone, its ref and its path in the workspace; `credential` names a secret, or is empty."""

    url: str
    ref: str
    path: str
    credential: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEntry:
    """A file of the bundle: its path, and the digest and size of its content."""

    path: str
    sha256: str
    size_bytes: int
    executable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class McpServer:
    """An MCP server: `url` and headers, or a command and its environment; values may hold `${secret:NAME}`."""

    name: str
    url: str
    headers: tuple[tuple[str, str], ...]
    command: tuple[str, ...]
    env: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """The name, the kind (webhook, schedule or email) and the prompt template of a trigger."""

    name: str
    kind: str
    prompt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verify:
    """How a webhook's sender is verified; `secret` is a name.

    The other fields are empty for every scheme but hmac. The last three are empty or 0 if the sender signs no time.
    """

    scheme: str
    secret: str
    header: str
    algorithm: str
    encoding: str
    prefix: str
    timestamp: str
    payload: str
    tolerance_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A webhook trigger: `verify` is None if anyone may send to it; `when` holds paths and their allowed values."""

    name: str
    prompt: str
    verify: Verify | None
    when: tuple[tuple[str, tuple[str | int | bool, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A schedule trigger: a five-field cron expression, an IANA time zone, and the policy for missed times."""

    name: str = in_bundle_and_build()
    prompt: str
    cron: str = in_bundle_and_build()
    timezone: str = in_bundle_and_build()
    missed: Literal["skip", "run_once"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """An email trigger: an IMAP mailbox and the senders that it accepts; `password` names a secret.

    `authserv_id` is a name, or `.example.com` for any name in that domain. `smtp_host` is empty and `smtp_port` 0 if no
    answer is sent. `address` is empty if it is unknown.
    """

    name: str
    prompt: str
    host: str
    port: int
    user: str
    password: str
    allow_from: tuple[str, ...]
    authserv_id: str
    received_lines_above: int
    address: str
    smtp_host: str
    smtp_port: int

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports of the servers that it connects to."""
        return (self.port, self.smtp_port) if self.smtp_host else (self.port,)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLimits:
    """How runs are isolated and limited."""

    isolation: Literal["container", "process"] = in_bundle_and_build()
    timeout_s: int
    max_concurrent: int
    when_busy: Literal["queue", "skip"]
    retries: int
    session: str | None
    max_model_requests: int
    max_cost_usd: Decimal | None
    artifacts: tuple[str, ...]
    max_artifacts_mib: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayConfig:
    """`token` names the secret that opens the gateway's API."""

    token: str = in_bundle_and_build()


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkConfig:
    """The host names that runs may reach (`egress_any`: all of them), and the gateway's own name."""

    egress_any: bool
    egress: tuple[str, ...]
    domain: str | None = in_bundle_and_build()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRetention:
    """For how many seconds runs are stored."""

    runs_s: int = in_bundle_and_build()


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentConfig:
    """One agent in one environment."""

    agent: str = in_bundle_and_build()
    environment: str = in_bundle_and_build()
    description: str
    harness: Harness
    model: Model | None
    instructions: str
    repos: tuple[Repo, ...]
    files: tuple[FileEntry, ...]
    mcp_servers: tuple[McpServer, ...]
    webhooks: tuple[Webhook, ...]
    schedules: tuple[Schedule, ...]
    mailboxes: tuple[Mailbox, ...]
    run: RunLimits
    budget_per_day_usd: Decimal | None
    gateway: GatewayConfig
    network: NetworkConfig
    retention: RunRetention

    @property
    def name(self) -> str:
        """The agent's name."""
        return self.agent

    @property
    def triggers(self) -> tuple[Trigger, ...]:
        """Every trigger: webhooks, then schedules, then mailboxes."""
        kinds = {"webhook": self.webhooks, "schedule": self.schedules, "email": self.mailboxes}
        return tuple(
            Trigger(name=t.name, kind=kind, prompt=t.prompt) for kind, triggers in kinds.items() for t in triggers
        )


def read_config(text: str | bytes) -> AgentConfig:
    """The agent of a config.json; ConfigurationError for another format, or a missing or unknown member."""
    raw = json.loads(text)
    if (version := raw.pop("format", None)) != FORMAT:
        raise ConfigurationError(f"config.json has format {version!r}, this release reads {FORMAT}")
    return _read_object(AgentConfig, raw, "config.json")


def _read_object(kind: type[Config], raw: dict[str, Any], path: str) -> Config:
    hints = _type_hints(kind)
    if missing := sorted(hints.keys() - raw.keys()):
        raise ConfigurationError(f"{path} has no {missing[0]}")
    if unknown := sorted(raw.keys() - hints.keys()):
        raise ConfigurationError(f"{path} has {unknown[0]}, which this release does not read")
    return kind(**{name: _read(hint, raw[name], f"{path}: {name}") for name, hint in hints.items()})


@cache
def _type_hints(kind: type[Any]) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {f.name: hints[f.name] for f in fields(kind)}


def _read(hint: Any, raw: Any, path: str) -> Any:
    """A JSON value as a value of that type; a tuple is a list in JSON, and a Decimal is text."""
    if is_dataclass(hint):
        return _read_object(hint, raw, path)  # type: ignore[arg-type]
    members = get_args(hint)
    if NoneType in members:
        return None if raw is None else _read(members[0], raw, path)
    if get_origin(hint) is not tuple:
        return Decimal(raw) if hint is Decimal else raw
    kinds = [members[0]] * len(raw) if members[-1] is ... else members
    return tuple(_read(kind, item, path) for kind, item in zip(kinds, raw, strict=True))
