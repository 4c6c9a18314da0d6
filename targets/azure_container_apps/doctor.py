"""What a deployment to Container Apps needs on this machine and in the user's account."""

from __future__ import annotations

from collections.abc import Iterator

from unmoor.doctor.account import account_findings
from unmoor.doctor.docker_build import builder_findings
from unmoor.findings import Finding
from unmoor.plan import Plan

from .account import caller_identity
from .settings import ContainerAppsSettings

LOG_IN = "log in by az login, or set ARM_TENANT_ID, ARM_CLIENT_ID and ARM_CLIENT_SECRET"


def doctor(plan: Plan | None, settings: ContainerAppsSettings | None) -> Iterator[Finding]:
    subscription = (settings.subscription_id if settings else None) or ""
    yield from account_findings(lambda: caller_identity(subscription), where="Azure", todo=LOG_IN)
    yield from builder_findings(plan)
