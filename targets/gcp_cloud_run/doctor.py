"""What a deployment to Cloud Run needs on this machine and in the user's account."""

from __future__ import annotations

from collections.abc import Iterator

from unmoor.doctor.account import account_findings
from unmoor.doctor.docker_build import builder_findings
from unmoor.findings import Finding
from unmoor.plan import Plan

from .account import caller_identity
from .settings import CloudRunSettings

LOG_IN = "log in by gcloud auth application-default login, or set GOOGLE_APPLICATION_CREDENTIALS"


def doctor(plan: Plan | None, settings: CloudRunSettings | None) -> Iterator[Finding]:
    project = settings.project if settings else ""
    yield from account_findings(lambda: caller_identity(project), where="Google", todo=LOG_IN)
    yield from builder_findings(plan)
