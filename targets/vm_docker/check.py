"""The reasons to reject a plan on a machine with Docker."""

from __future__ import annotations

from collections.abc import Iterator

from unmoor.errors import Problem
from unmoor.plan import Plan
from unmoor.quantities import size_text, whole_days
from unmoor.target.checks import existing_secrets_problems, log_retention_problems

from .settings import DockerSettings
from .sizes import MOST_LOG_FILES

NAME = "vm-docker"
HERE = f"targets.{NAME}"
LEAST_MEMORY_MIB = 6


def check(plan: Plan, settings: DockerSettings) -> list[Problem]:
    """Every reason to reject the plan; an empty list accepts it."""
    file = {"what": "the absolute path of its file", "remedy": "write an absolute path without : or spaces"}
    log_days = whole_days(plan.retention.logs_s)
    return [
        *_public_name(plan, settings),
        *_host(settings),
        *_memory(plan),
        *log_retention_problems(
            plan, log_days if log_days <= MOST_LOG_FILES else None, limit=f"{MOST_LOG_FILES}d, one log file a day"
        ),
        *existing_secrets_problems(plan, settings, target=NAME, pattern=r"/[^\0\s:]+", **file),
    ]


def _public_name(plan: Plan, settings: DockerSettings) -> Iterator[Problem]:
    public = plan.network.domain or settings.hostname
    if public is None and plan.webhooks and settings.host != "local" and settings.proxy == "caddy":
        rule = "webhooks cannot reach a gateway without a public name"
        remedy = "set it or network.domain, or proxy: none behind your own proxy"
        yield Problem(f"{HERE}.hostname", rule, remedy)
    if plan.network.domain and settings.hostname:
        rule = f"network.domain is already {plan.network.domain}"
        yield Problem(f"{HERE}.hostname", rule, "remove one of the two")
    if settings.port is not None and public is not None and settings.proxy == "caddy":
        yield Problem(f"{HERE}.port", f"{public} is served on 443", "remove it, or set proxy: none")


def _host(settings: DockerSettings) -> Iterator[Problem]:
    if settings.ssh_opts and not settings.host.startswith("ssh://"):
        rule = f"{settings.host} is not reached by ssh"
        yield Problem(f"{HERE}.ssh_opts", rule, "remove them, or set host to ssh://…")


def _memory(plan: Plan) -> Iterator[Problem]:
    for path, size in (("resources.memory", plan.run.memory_mib), ("gateway.memory", plan.gateway.memory_mib)):
        if size < LEAST_MEMORY_MIB:
            yield Problem(path, f"{size_text(size)} is under Docker's 6Mi", "raise it")
