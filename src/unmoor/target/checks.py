"""Problems that several targets find in the same way."""

from __future__ import annotations

import re
from collections.abc import Iterator

from unmoor.errors import Problem
from unmoor.plan import ImageReference, Plan
from unmoor.quantities import duration_text, quote_truncated

from .settings import Settings


def existing_secrets_problems(
    plan: Plan, settings: Settings, *, target: str, what: str, pattern: str, remedy: str
) -> Iterator[Problem]:
    """A problem for every existing secret without a valid location, and for every location without such a secret.

    `what` is the kind of location, such as "its ARN"; `remedy` tells how to write one that does not match `pattern`.
    """
    existing = {s.name for s in plan.secrets if s.source == "existing"}
    path = f"targets.{target}.secrets"
    for name in sorted(existing - settings.secrets.keys()):
        yield Problem(f"secrets.{name}", f"its location on {target} is missing", f"set {path}.{name} to {what}")
    for name in sorted(settings.secrets.keys() - existing):
        yield Problem(
            f"{path}.{name}", "there is no existing secret of this name", "remove it, or write existing: true"
        )
    for name in (s.name for s in plan.secrets if s.name in existing & settings.secrets.keys()):
        if not re.fullmatch(pattern, settings.secrets[name]):
            yield Problem(f"{path}.{name}", f"{quote_truncated(settings.secrets[name])} is not valid", remedy)


def missed_schedules_problems(plan: Plan, *, by: str) -> Iterator[Problem]:
    """A problem for every schedule with missed: run_once if the platform's scheduler `by` fires it."""
    for schedule in plan.schedules if plan.run.isolation == "container" else ():
        if schedule.missed == "run_once":
            rule = f"only the gateway's scheduler supports run_once, and {by} fires this schedule"
            remedy = "remove it, or choose vm-docker or run.isolation: process"
            yield Problem(f"triggers[{schedule.name}].schedule.missed", rule, remedy)


def local_image_problems(plan: Plan, *, by: str) -> Iterator[Problem]:
    """A problem for an image on this machine, which the cloud `by` cannot reach."""
    if isinstance(plan.image, ImageReference) and plan.image.registry.split(":")[0] in ("localhost", "127.0.0.1"):
        rule = f"{by} cannot pull {quote_truncated(plan.image.reference)} from this machine"
        yield Problem("image", rule, "push it to a registry, or write {build: ./folder}")


def architecture_problems(plan: Plan, *, by: str) -> Iterator[Problem]:
    """A problem for any architecture but amd64."""
    if plan.run.arch != "amd64":
        rule = f"{by} does not support {plan.run.arch}"
        yield Problem("resources.arch", rule, "write amd64, or choose another target")


def log_retention_problems(plan: Plan, days: int | None, *, limit: str) -> Iterator[Problem]:
    """A problem if the platform has no retention that is long enough: `days` is None."""
    if days is None:
        yield Problem("retention.logs", f"{duration_text(plan.retention.logs_s)} is over {limit}", "lower it")


def unused_domain_settings(plan: Plan, settings: Settings, *names: str, target: str) -> Iterator[Problem]:
    """A problem for each of these settings that is set without network.domain, which it is for."""
    for name in names if plan.network.domain is None else ():
        if getattr(settings, name):
            rule = f"{name} requires network.domain, which is not set"
            yield Problem(f"targets.{target}.{name}", rule, "set network.domain or remove it")
