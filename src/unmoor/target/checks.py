"""Problems that several targets find in the same way."""

from __future__ import annotations

from unmoor.errors import Problem
from unmoor.plan import ImageReference, Plan
from unmoor.quantities import quote_truncated
from unmoor.target.settings import Settings


def existing_secrets_problems(plan: Plan, settings: Settings, *, target: str, what: str) -> list[Problem]:
    """A problem for every existing secret that the settings do not place, and for every place without a secret.

    `what` says what to write there, such as "its ARN".
    """
    existing = {s.name for s in plan.secrets if s.source == "existing"}
    path = f"targets.{target}.secrets"
    missing = [
        Problem(f"secrets.{name}", f"{target} is not told where it lies", f"set {path}.{name} to {what}")
        for name in sorted(existing - settings.secrets.keys())
    ]
    extra = [
        Problem(f"{path}.{name}", "names no secret that is existing", "remove it, or write existing: true")
        for name in sorted(settings.secrets.keys() - existing)
    ]
    return missing + extra


def missed_schedules_problems(plan: Plan, *, by: str) -> list[Problem]:
    """A problem for every schedule whose missed times are to be made up for, where the platform's scheduler fires."""
    if plan.run.isolation == "process":
        return []
    rule = f"run_once is the gateway's to keep, and here {by} fires, which makes up for nothing that it missed"
    remedy = "remove it, or choose vm-docker or run.isolation: process"
    return [
        Problem(f"triggers[{schedule.name}].schedule.missed", rule, remedy)
        for schedule in plan.schedules
        if schedule.missed == "run_once"
    ]


def local_image_problems(plan: Plan, *, by: str) -> list[Problem]:
    """A problem for an image that lies on this machine, which `by`, a cloud, cannot reach."""
    here = ("localhost", "127.0.0.1")
    if not isinstance(plan.image, ImageReference) or plan.image.registry.split(":")[0] not in here:
        return []
    rule = f"{by} cannot pull {quote_truncated(plan.image.reference)} from this machine"
    return [Problem("image", rule, "push it to a registry, or write {build: ./folder}")]
