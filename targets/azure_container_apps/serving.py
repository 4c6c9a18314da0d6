"""Whether the gateway's latest revision is ready and has the traffic, and if not, the reason:
https://learn.microsoft.com/rest/api/resource-manager/containerapps/container-apps/get
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unmoor.operate.errors import OperateError
from unmoor.operate.platform_api import Api, NotFound
from unmoor.plan import Plan
from unmoor.target import Outputs
from unmoor.target.revision import Revision, failed_revision, moving_revision, serving_revision

from .account import arm
from .settings import ContainerAppsSettings

VERSION = "api-version=2024-03-01"
LOG_LINES = 20
# https://learn.microsoft.com/rest/api/resource-manager/containerapps/container-apps-revisions/get-revision
FAILED = ("Failed", "ActivationFailed", "Degraded")


def current_revision(outputs: Outputs, settings: ContainerAppsSettings, plan: Plan) -> Revision:
    """The state of the app now."""
    return inspect_app(arm(), outputs.gateway)


def inspect_app(api: Api, app: str) -> Revision:
    """The state of the app's latest revision."""
    try:
        found = api.get(f"{app}?{VERSION}")["properties"]
    except NotFound:
        return failed_revision(f"the container app {app.rsplit('/', 1)[-1]} does not exist; unmoor up creates it")
    latest, ready = found.get("latestRevisionName") or "", found.get("latestReadyRevisionName") or ""
    if found.get("provisioningState") == "Failed":
        return failed_revision(f"the container app failed: {_reason(found) or 'Azure gives no reason'}")
    if not latest or latest != ready:
        return _not_ready(api, app, latest, ready)
    if _weight(found, latest) < 100:
        return failed_revision(f"{latest} is ready but has {_weight(found, latest)} % of the traffic; give it 100 %")
    return (
        serving_revision(f"{latest} has all traffic")
        if found.get("provisioningState") == "Succeeded"
        else moving_revision(latest)
    )


def _not_ready(api: Api, app: str, latest: str, ready: str) -> Revision:
    now = f"; {ready} serves" if ready else ""
    if not latest:
        return moving_revision("there is no revision yet")
    found = api.get(f"{app}/revisions/{latest}?{VERSION}")["properties"]
    state = found.get("runningState") or found.get("provisioningState") or "Unknown"
    if found.get("provisioningState") == "Failed" or state in FAILED or found.get("healthState") == "Unhealthy":
        container = _failed_container(api, app, latest)
        text = found.get("provisioningError") or found.get("runningStateDetails") or state
        reasons = [f"{latest} is not ready{now}: {text}", _container_text(container) if container else ""]
        return failed_revision("; ".join(filter(None, reasons)), _log(api, app, container) if container else ())
    return moving_revision(f"{latest} is {state}{now}")


def _failed_container(api: Api, app: str, revision: str) -> Mapping[str, Any] | None:
    """The container of the revision that is not ready."""
    try:
        replicas = api.get(f"{app}/revisions/{revision}/replicas?{VERSION}")["value"]
    except OperateError:
        return None
    containers = [each for replica in replicas for each in replica["properties"].get("containers") or ()]
    return max(
        (each for each in containers if not each.get("ready")), key=lambda c: c.get("restartCount") or 0, default=None
    )


def _container_text(container: Mapping[str, Any]) -> str:
    restarts = container.get("restartCount") or 0
    details = container.get("runningStateDetails") or container.get("runningState") or "not ready"
    return f"container {container['name']}: {details}" + (f", restarted {restarts} times" if restarts else "")


def _log(api: Api, app: str, container: Mapping[str, Any]) -> list[str]:
    """Its last log lines, from a stream with its own token; empty if they cannot be read."""
    try:
        token = api.answer("POST", f"{app}/getAuthToken?{VERSION}").values["properties"]["token"]
        stream = Api(name="Azure", base=container["logStreamEndpoint"], token=lambda: token)
        return stream.text(f"?follow=false&tailLines={LOG_LINES}").splitlines()[-LOG_LINES:]
    except (OperateError, KeyError):
        return []


def _weight(found: Mapping[str, Any], latest: str) -> int:
    ingress = (found.get("configuration") or {}).get("ingress") or {}
    of_latest = [t for t in ingress.get("traffic") or () if t.get("latestRevision") or t.get("revisionName") == latest]
    return sum(each.get("weight") or 0 for each in of_latest)


def _reason(found: Mapping[str, Any]) -> str:
    return str((found.get("deploymentErrors") or found.get("runningStateDetails")) or "")
