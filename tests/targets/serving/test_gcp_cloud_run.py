"""Whether a service's newest revision serves, by what Cloud Run answers.

The shapes are those of https://cloud.google.com/run/docs/reference/rest/v2/projects.locations.services
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from answers_by_path import routes
from cases import plan_of

from unmoor.operate.platform_api import Api
from unmoor.target import Outputs
from unmoor.target.revision import Revision
from unmoor.targets.gcp_cloud_run import account
from unmoor.targets.gcp_cloud_run.serving import current_revision, inspect_service
from unmoor.targets.gcp_cloud_run.settings import CloudRunSettings

SERVICE = "projects/p-roject/locations/europe-west1/services/agent-gateway"
NEW, OLD = (f"{SERVICE}/revisions/agent-gateway-0000{n}-abc" for n in (2, 1))
LATEST = {"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", "percent": 100}


def service(created: str = NEW, ready: str = NEW, **more: Any) -> dict[str, Any]:
    base = {
        "name": SERVICE,
        "generation": "2",
        "observedGeneration": "2",
        "latestCreatedRevision": created,
        "latestReadyRevision": ready,
        "terminalCondition": {"type": "Ready", "state": "CONDITION_SUCCEEDED"},
        "trafficStatuses": [LATEST],
    }
    return {**base, **more}


def looked(found: dict[str, Any] | None, entries: Any = None) -> tuple[Revision, list[Any]]:
    answers = {f"GET /v2/{SERVICE}": found} if found else {}
    if entries is not None:
        answers["POST /v2/entries:list"] = {"entries": entries}
    with routes(answers) as (url, asked):
        api = Api(name="Google", base=url, token=lambda: "t")
        return inspect_service(api, api, SERVICE), asked


def test_the_newest_revision_that_is_ready_and_has_the_traffic_serves() -> None:
    said = "agent-gateway-00002-abc has all traffic"
    assert looked(service())[0] == Revision(state="serves", text=said)
    by_name = {"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION", "revision": NEW.rsplit("/", 1)[1], "percent": 100}
    assert looked(service(trafficStatuses=[by_name]))[0] == Revision(state="serves", text=said)


@pytest.mark.parametrize(
    "more",
    [
        {"reconciling": True},
        {"observedGeneration": "1"},
        {"ready": OLD, "terminalCondition": {"state": "CONDITION_PENDING"}},
    ],
)
def test_a_service_that_is_reconciled_is_on_its_way(more: dict[str, Any]) -> None:
    assert looked(service(**more))[0] == Revision(state="moving", text="agent-gateway-00002-abc is not ready yet")


def test_a_revision_that_failed_says_why_with_its_last_lines() -> None:
    condition = {
        "type": "Ready",
        "state": "CONDITION_FAILED",
        "message": "The user-provided container failed to start.",
    }
    entries = [{"jsonPayload": {"message": "later"}}, {"textPayload": "earlier\n"}, {"protoPayload": {}}]
    found, asked = looked(service(ready=OLD, terminalCondition=condition), entries)
    assert found == Revision(
        state="failed",
        text="agent-gateway-00002-abc failed; agent-gateway-00001-abc serves: "
        "The user-provided container failed to start.",
        log=("earlier", '{"message": "later"}'),
    )
    wanted = json.loads(asked[-1][2])
    assert wanted["resourceNames"] == ["projects/p-roject"]
    assert wanted["filter"] == (
        'resource.type="cloud_run_revision" AND resource.labels.revision_name="agent-gateway-00002-abc"'
    )


def test_logs_that_cannot_be_read_leave_the_reason() -> None:
    found, _ = looked(service(ready="", terminalCondition={"state": "CONDITION_FAILED", "message": "no image"}))
    assert found == Revision(state="failed", text="agent-gateway-00002-abc failed: no image")


def test_traffic_that_is_elsewhere_is_said() -> None:
    elsewhere = {"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION", "revision": OLD.rsplit("/", 1)[1], "percent": 100}
    found, _ = looked(service(trafficStatuses=[elsewhere]))
    assert found.text == "agent-gateway-00002-abc is ready but has 0 % of the traffic; give it 100 %"


def test_a_service_that_is_gone_is_said() -> None:
    assert looked(None)[0] == Revision(
        state="failed", text="the service agent-gateway does not exist; unmoor up creates it"
    )


def test_the_guards_service_is_looked_at_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_of()
    settings = CloudRunSettings(project="p-roject", region="europe-west1")
    outputs = Outputs(url="u", store_url="s", token="t", gateway=SERVICE, run="r", logs="l", image="i", bundle="b")
    monkeypatch.setattr(account, "token", lambda: "t")
    with routes({f"GET /v2/{SERVICE}": service()}) as (url, asked):
        monkeypatch.setenv("UNMOOR_GOOGLE_RUN", url)
        found = current_revision(outputs, settings, plan)
    guard = asked[-1][0].rsplit("/", 1)[1]
    assert found == Revision(state="failed", text=f"the service {guard} does not exist; unmoor up creates it")
