"""The gateway on this machine: runs are processes, and the guard is in the gateway's process, on loopback."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from unmoor.container import RUN_TOKEN_KEY, secret_variable
from unmoor.errors import UnmoorError
from unmoor.plan import Plan, Webhook
from unmoor.runtime.gateway.gateway import Gateway
from unmoor.runtime.gateway.launchers.process import ProcessLauncher
from unmoor.runtime.gateway.launchers.protocol import Launcher
from unmoor.runtime.guard.build import open_guard
from unmoor.runtime.guard.transport.run_tokens import RunKey, VerifiedRuns
from unmoor.runtime.guard.transport.server import GuardServer
from unmoor.runtime.harness.installed import harness_installation_variable
from unmoor.runtime.logs import JsonLog
from unmoor.runtime.redact import Redact, redactor

from .agent import LocalAgent
from .own_runs import OwnRunsFilter

LOOPBACK = "127.0.0.1"
# What a runner inherits from the user's environment: store credentials and tracing.
INHERITED = ("AWS_", "AZURE_", "GOOGLE_", "LANG", "LC_", "HOME", "PATH", "SSL_", "TMPDIR", "OTEL_", "PYTHONPATH")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """The options of `unmoor dev`: the API token, the listening socket and the store's URL."""

    token: str = field(repr=False)
    listening: socket.socket
    store_url: str


@contextlib.asynccontextmanager
async def serve_agent(dev: LocalAgent, served: ServeOptions) -> AsyncIterator[int]:
    """Serves the agent inside the block and yields the port. Logs are JSON lines on standard error."""
    redact = redactor({**dev.secrets, "api-token": served.token})
    log = JsonLog(redact=redact, stream=sys.stderr)
    launcher = ProcessLauncher(environment={}, output=sys.stderr.fileno())
    model = dev.bundle.agent.model
    key = dev.secrets[model.api_key] if model else ""
    run_key = secrets.token_hex(32)
    async with (
        open_guard(dev.bundle.agent, key=key, store=dev.store, log=log) as handler,
        GuardServer(
            OwnRunsFilter(VerifiedRuns(handler, RunKey(run_key)), launcher.running),
            host=LOOPBACK,
            port=0,
            drain_s=1,
            log=log,
        ) as guard,
    ):
        environment = runner_environment(dev, served.store_url, guard.number, os.environ)
        launcher.environment = {**environment, secret_variable(RUN_TOKEN_KEY): run_key}
        async with build_gateway(dev, served, launcher, redact, log).serving(served.listening) as port:
            yield port


def build_gateway(dev: LocalAgent, served: ServeOptions, launcher: Launcher, redact: Redact, log: JsonLog) -> Gateway:
    return Gateway(
        store=dev.store,
        bundle=dev.bundle,
        launcher=launcher,
        token=served.token,
        secrets=dev.secrets,
        redact=redact,
        log=log,
        clock=lambda: datetime.now(UTC),
        busy_s=1.0,
        idle_s=5.0,
        sweep_after_s=dev.plan.retention.runs_s if dev.sweeping else None,
    )


def runner_environment(dev: LocalAgent, store_url: str, guard: int, own: Mapping[str, str]) -> dict[str, str]:
    """A runner's environment from this process's `own`, with only the secrets that a run holds."""
    held = {s.variable: dev.secrets[s.name] for s in dev.plan.secrets_held_by("run")}
    return {
        **{name: value for name, value in own.items() if name.startswith(INHERITED)},
        "UNMOOR_STORE": store_url,
        "UNMOOR_BUNDLE": dev.bundle.sha256,
        "UNMOOR_GUARD_URL": f"http://{LOOPBACK}:{guard}",
        "UNMOOR_WORK": str(dev.work_root),
        **harness_installation_variable(dev.programs),
        **held,
    }


def describe_triggers(plan: Plan, url: str) -> list[str]:
    """A line for each trigger that `unmoor dev` serves: a webhook's URL, a schedule's expression, a mailbox."""
    hooks = [f"webhook {hook.name}: POST {url}/hooks/{hook.name}, {_proof(hook)}" for hook in plan.webhooks]
    schedules = [f"schedule {s.name}: {s.cron} in {s.timezone}" for s in plan.schedules]
    return hooks + schedules + [f"mailbox {m.name}: {m.user} at {m.host}:{m.port}" for m in plan.mailboxes]


def _proof(hook: Webhook) -> str:
    if hook.verify is None:
        return "unauthenticated"
    return f"signed with {hook.verify.scheme} and the secret {hook.verify.secret}"


def check_store(url: str) -> None:
    """UnmoorError for a store that another process cannot open."""
    if url.startswith("memory:"):
        raise UnmoorError("--store: runs are separate processes and cannot reach memory://; write file:///FOLDER")
