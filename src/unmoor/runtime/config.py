"""The agent as the runtime knows it: config.json of the bundle, as frozen values.

The compiler writes config.json from the plan's bundled fields (unmoor.plan.bundle); this is the other side of it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from .errors import ConfigurationError

FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Harness:
    """The agent program: its name, exact version, further arguments, and for `command` the program itself."""

    name: str
    version: str
    args: tuple[str, ...]
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """Whose model, which one, where, and the name of the secret that opens it."""

    provider: str
    name: str
    base_url: str
    api_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Repo:
    """A git repository to clone; `credential` names a secret, or is empty."""

    url: str
    ref: str
    path: str
    credential: str


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
    """What starts a run: its kind is webhook, schedule or email; `prompt` is a template."""

    name: str
    kind: str
    prompt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verify:
    """How a webhook's sender is proved; `secret` is a name. The rest is for hmac; the last three for a signed time."""

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
    """Who may send to a webhook trigger, anybody where `verify` is None, and which deliveries start a run."""

    name: str
    verify: Verify | None
    when: tuple[tuple[str, tuple[str | int | bool, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When a schedule trigger fires, and what becomes of times that passed while nothing could: skip or run_once."""

    name: str
    cron: str
    timezone: str
    missed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """An inbox whose mail starts runs, and who may send it; `password` names a secret. `authserv_id` is empty where any
    name of the server's domain will do, and `smtp_host` where no answer is sent."""

    name: str
    host: str
    port: int
    user: str
    password: str
    allow_from: tuple[str, ...]
    authserv_id: str
    address: str
    smtp_host: str
    smtp_port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLimits:
    """How runs are run."""

    isolation: str
    timeout_s: int
    max_concurrent: int
    when_busy: str
    retries: int
    session: str | None
    max_cost_usd: Decimal | None
    artifacts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentConfig:
    """One agent in one environment."""

    name: str
    environment: str
    harness: Harness
    model: Model | None
    instructions: str
    repos: tuple[Repo, ...]
    mcp_servers: tuple[McpServer, ...]
    triggers: tuple[Trigger, ...]
    webhooks: tuple[Webhook, ...]
    schedules: tuple[Schedule, ...]
    mailboxes: tuple[Mailbox, ...]
    run: RunLimits
    budget_per_day_usd: Decimal | None
    egress_any: bool
    egress: tuple[str, ...]
    retention_runs_s: int
    gateway_token: str


def read_config(text: str | bytes) -> AgentConfig:
    """The agent of a config.json; ConfigurationFault if it is of another format than this release reads."""
    raw = json.loads(text)
    if raw.get("format") != FORMAT:
        raise ConfigurationError(f"config.json has format {raw.get('format')!r}, this release reads {FORMAT}")
    return AgentConfig(
        name=raw["agent"],
        environment=raw["environment"],
        harness=Harness(
            name=raw["harness"]["name"],
            version=raw["harness"]["version"],
            args=tuple(raw["harness"]["args"]),
            command=tuple(raw["harness"]["command"]),
        ),
        model=Model(**raw["model"]) if raw["model"] else None,
        instructions=raw["instructions"],
        repos=tuple(Repo(**repo) for repo in raw["repos"]),
        mcp_servers=tuple(_mcp_server(server) for server in raw["mcp_servers"]),
        triggers=tuple(_triggers(raw)),
        webhooks=tuple(_webhook(webhook) for webhook in raw["webhooks"]),
        schedules=tuple(Schedule(**_without_prompt(schedule)) for schedule in raw["schedules"]),
        mailboxes=tuple(_mailbox(mailbox) for mailbox in raw["mailboxes"]),
        run=_run(raw["run"]),
        budget_per_day_usd=_money(raw["budget_per_day_usd"]),
        egress_any=raw["network"]["egress_any"],
        egress=tuple(raw["network"]["egress"]),
        retention_runs_s=raw["retention"]["runs_s"],
        gateway_token=raw["gateway"]["token"],
    )


def _mcp_server(raw: dict[str, Any]) -> McpServer:
    return McpServer(
        name=raw["name"],
        url=raw["url"],
        headers=tuple((k, v) for k, v in raw["headers"]),
        command=tuple(raw["command"]),
        env=tuple((k, v) for k, v in raw["env"]),
    )


def _triggers(raw: dict[str, Any]) -> list[Trigger]:
    kinds = {"webhooks": "webhook", "schedules": "schedule", "mailboxes": "email"}
    return [
        Trigger(name=trigger["name"], kind=kind, prompt=trigger["prompt"])
        for part, kind in kinds.items()
        for trigger in raw[part]
    ]


def _webhook(raw: dict[str, Any]) -> Webhook:
    return Webhook(
        name=raw["name"],
        verify=Verify(**raw["verify"]) if raw["verify"] else None,
        when=tuple((path, tuple(wanted)) for path, wanted in raw["when"]),
    )


def _mailbox(raw: dict[str, Any]) -> Mailbox:
    return Mailbox(**{**_without_prompt(raw), "allow_from": tuple(raw["allow_from"])})


def _without_prompt(raw: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in raw.items() if name != "prompt"}


def _run(raw: dict[str, Any]) -> RunLimits:
    return RunLimits(
        isolation=raw["isolation"],
        timeout_s=raw["timeout_s"],
        max_concurrent=raw["max_concurrent"],
        when_busy=raw["when_busy"],
        retries=raw["retries"],
        session=raw["session"],
        max_cost_usd=_money(raw["max_cost_usd"]),
        artifacts=tuple(raw["artifacts"]),
    )


def _money(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
