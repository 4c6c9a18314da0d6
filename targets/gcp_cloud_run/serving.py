"""Whether each service's newest revision is ready and has the traffic, and if not, the reason.

https://cloud.google.com/run/docs/reference/rest/v2/projects.locations.services
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from unmoor.operate.errors import OperateError
from unmoor.operate.platform_api import Api, NotFound
from unmoor.plan import Plan
from unmoor.target import Outputs
from unmoor.target.revision import Revision, failed_revision, moving_revision, serving_revision

from .account import google
from .names import name
from .settings import CloudRunSettings

RUN, LOGGING = "https://run.googleapis.com", "https://logging.googleapis.com"
LOG_LINES = 20


def current_revision(outputs: Outputs, settings: CloudRunSettings, plan: Plan) -> Revision:
    """The state of the services of the gateway and the guard now."""
    run, logging = google(RUN, "UNMOOR_GOOGLE_RUN"), google(LOGGING, "UNMOOR_GOOGLE_LOGGING")
    guard = f"projects/{settings.project}/locations/{settings.region}/services/{name(plan, 'guard')}"
    found = [inspect_service(run, logging, service) for service in (outputs.gateway, guard)]
    return next((each for each in found if each.state != "serves"), found[0])


def inspect_service(run: Api, logging: Api, service: str) -> Revision:
    """The state of a service's newest revision."""
    short = _short(service)
    try:
        found = run.get(f"/v2/{service}")
    except NotFound:
        return failed_revision(f"the service {short} does not exist; unmoor up creates it")
    condition = found.get("terminalCondition") or {}
    created, ready = found.get("latestCreatedRevision", ""), found.get("latestReadyRevision", "")
    is_seen = found.get("observedGeneration") == found.get("generation") and not found.get("reconciling")
    if is_seen and condition.get("state") == "CONDITION_FAILED":
        now = f"; {_short(ready)} serves" if ready and ready != created else ""
        text = f"{_short(created) or short} failed{now}: {condition.get('message') or 'Google gives no reason'}"
        return failed_revision(text, _log(logging, service, _short(created)))
    if not is_seen or created != ready:
        return moving_revision(f"{_short(created) or short} is not ready yet")
    if (percent := _percent(found, _short(created))) < 100:
        return failed_revision(f"{_short(created)} is ready but has {percent} % of the traffic; give it 100 %")
    return serving_revision(f"{_short(created)} has all traffic")


def _percent(found: Mapping[str, Any], revision: str) -> int:
    """The revision's share of the traffic, by name or as the newest."""
    statuses = found.get("trafficStatuses") or ()
    of_it = [each for each in statuses if _short(each.get("revision", "")) == revision or _is_latest(each)]
    return sum(each.get("percent", 0) for each in of_it)


def _is_latest(status: Mapping[str, Any]) -> bool:
    return status.get("type") == "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"


def _log(logging: Api, service: str, revision: str) -> list[str]:
    """The last log lines of the revision's containers; empty if they cannot be read.

    https://cloud.google.com/logging/docs/reference/v2/rest/v2/entries/list
    """
    query = {
        "resourceNames": ["/".join(service.split("/")[:2])],
        "filter": f'resource.type="cloud_run_revision" AND resource.labels.revision_name="{revision}"',
        "orderBy": "timestamp desc",
        "pageSize": LOG_LINES,
    }
    try:
        entries = logging.answer("POST", "/v2/entries:list", json.dumps(query).encode()).values.get("entries") or ()
    except OperateError:
        return []
    return [line for entry in reversed(entries) if (line := _line(entry))]


def _line(entry: Mapping[str, Any]) -> str:
    payload = entry.get("jsonPayload")
    return str(entry.get("textPayload") or (json.dumps(payload, ensure_ascii=False) if payload else "")).strip()


def _short(name_: str) -> str:
    """The last part of a resource's name."""
    return name_.rsplit("/", 1)[-1]
