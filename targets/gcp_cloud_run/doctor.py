"""What a deployment to Cloud Run needs on this machine and in the user's account."""

from __future__ import annotations

from collections.abc import Iterator

from unmoor.doctor.account import account_findings
from unmoor.doctor.docker_build import builder_findings
from unmoor.errors import UnmoorError
from unmoor.findings import Finding, failure, note, ok
from unmoor.operate.platform_api import Api
from unmoor.plan import Plan

from .account import caller_identity, google
from .settings import CloudRunSettings

LOG_IN = "log in by gcloud auth application-default login, or set GOOGLE_APPLICATION_CREDENTIALS"

SERVICE_USAGE = "https://serviceusage.googleapis.com"
# `up` enables every other API, and needs these two to do so:
# https://github.com/hashicorp/terraform-provider-google/issues/11435
FIRST_APIS = ("cloudresourcemanager.googleapis.com", "serviceusage.googleapis.com")


def doctor(plan: Plan | None, settings: CloudRunSettings | None) -> Iterator[Finding]:
    project = settings.project if settings else ""
    found = list(account_findings(lambda: caller_identity(project), where="Google", todo=LOG_IN))
    yield from found
    if project and not any(f.state == "wrong" for f in found):
        yield api_finding(project, google(SERVICE_USAGE, "UNMOOR_GOOGLE_SERVICE_USAGE"))
    yield from builder_findings(plan)


def api_finding(project: str, api: Api) -> Finding:
    """Whether the APIs are enabled with which `up` enables all others."""
    todo = f"run gcloud services enable {' '.join(FIRST_APIS)} --project {project}"
    try:
        states = {name: api.get(f"/v1/projects/{project}/services/{name}").get("state") for name in FIRST_APIS}
    except UnmoorError as error:
        off = "has not been used" in str(error) or "disabled" in str(error)
        return failure("apis", str(error), todo) if off else note("apis", f"cannot tell which are enabled: {error}")
    missing = [name for name, state in states.items() if state != "ENABLED"]
    if missing:
        return failure("apis", f"not enabled: {', '.join(missing)}", todo)
    return ok("apis", "Resource Manager and Service Usage are enabled; unmoor up enables the others")
