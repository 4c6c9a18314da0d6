"""What a deployment to ECS needs on this machine and in the user's account."""

from __future__ import annotations

import os
from collections.abc import Iterator

from unmoor.doctor.account import account_findings
from unmoor.doctor.docker_build import builder_findings
from unmoor.findings import Finding
from unmoor.plan import Plan

from .account import caller_identity, client
from .quotas import quota_findings
from .settings import EcsSettings

LOG_IN = "log in by aws sso login or aws configure, or set AWS_PROFILE"
# Used without a spec; an identity is the same in every region.
ANY_REGION = "us-east-1"


def doctor(plan: Plan | None, settings: EcsSettings | None) -> Iterator[Finding]:
    region = settings.region if settings else os.environ.get("AWS_REGION") or ANY_REGION
    found = list(account_findings(lambda: caller_identity(region), where="AWS", todo=LOG_IN))
    yield from found
    if plan and settings and not any(f.state == "wrong" for f in found):
        yield from quota_findings(plan, settings, lambda service: client(service, settings.region))
    yield from builder_findings(plan)
