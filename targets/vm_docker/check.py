"""The reasons to reject a plan on a machine with Docker."""

from __future__ import annotations

import re
from collections.abc import Iterator

from unmoor.errors import Problem
from unmoor.plan import Plan
from unmoor.quantities import duration_text, size_text, whole_days
from unmoor.target.checks import existing_secrets_problems

from .settings import DockerSettings
from .sizes import MOST_LOG_FILES

HERE = "targets.vm-docker"
FILE_ON_HOST = re.compile(r"/[^\0\s:]+")
LEAST_MEMORY_MIB = 6


def check(plan: Plan, settings: DockerSettings) -> list[Problem]:
    """Every reason to reject the plan; an empty list accepts it."""
    return [
        *_public_name(plan, settings),
        *_host(settings),
        *_memory(plan),
        *_logs(plan),
        *existing_secrets_problems(plan, settings, target="vm-docker", what="the absolute path of its file"),
        *_secret_files(plan, settings),
    ]


def _public_name(plan: Plan, settings: DockerSettings) -> Iterator[Problem]:
    public = plan.network.domain or settings.hostname
    if public is None and plan.webhooks and settings.host != "local" and settings.proxy == "caddy":
        yield Problem(
            f"{HERE}.hostname",
            "webhooks cannot reach a gateway that has no public name",
            "set it or network.domain, or proxy: none behind a proxy of your own",
        )
    if plan.network.domain and settings.hostname:
        rule = f"network.domain is {plan.network.domain} already"
        yield Problem(f"{HERE}.hostname", rule, "remove one of the two")
    if settings.port is not None and public is not None and settings.proxy == "caddy":
        rule = f"{public} is served on 443"
        yield Problem(f"{HERE}.port", rule, "remove it, or set proxy: none")


def _host(settings: DockerSettings) -> Iterator[Problem]:
    if settings.ssh_opts and not settings.host.startswith("ssh://"):
        rule = f"{settings.host} is not reached by ssh"
        yield Problem(f"{HERE}.ssh_opts", rule, "remove them, or set host to ssh://…")


def _memory(plan: Plan) -> Iterator[Problem]:
    for path, size in (("resources.memory", plan.run.memory_mib), ("gateway.memory", plan.gateway.memory_mib)):
        if size < LEAST_MEMORY_MIB:
            yield Problem(path, f"{size_text(size)} is under Docker's 6Mi", "raise it")


def _logs(plan: Plan) -> Iterator[Problem]:
    if whole_days(plan.retention.logs_s) > MOST_LOG_FILES:
        rule = f"{duration_text(plan.retention.logs_s)} of logs would fill {MOST_LOG_FILES} files and more"
        yield Problem("retention.logs", rule, f"write {MOST_LOG_FILES}d or less")


def _secret_files(plan: Plan, settings: DockerSettings) -> Iterator[Problem]:
    for secret in plan.secrets:
        file = settings.secrets.get(secret.name)
        if secret.source == "existing" and file is not None and not FILE_ON_HOST.fullmatch(file):
            rule = f"{file!r} is no file of the machine"
            yield Problem(f"{HERE}.secrets.{secret.name}", rule, "write an absolute path without : or spaces")
