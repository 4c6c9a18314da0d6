"""Whether an app's latest revision serves, by what Resource Manager answers.

The shapes are those of https://learn.microsoft.com/rest/api/resource-manager/containerapps/container-apps/get and
https://learn.microsoft.com/rest/api/resource-manager/containerapps/container-apps-revisions/get-revision
"""

from __future__ import annotations

from typing import Any

import pytest
from answers_by_path import routes

from unmoor.operate.platform_api import Api
from unmoor.target.revision import Revision
from unmoor.targets.azure_container_apps.serving import inspect_app

APP = "/subscriptions/1/resourceGroups/g/providers/Microsoft.App/containerApps/agent-gateway"
VERSION = "api-version=2024-03-01"
LATEST, BEFORE = "agent-gateway--0000002", "agent-gateway--0000001"


def app(latest: str = LATEST, ready: str = LATEST, *, weight: int = 100, state: str = "Succeeded") -> dict[str, Any]:
    traffic = [{"latestRevision": True, "weight": weight}]
    properties = {
        "provisioningState": state,
        "latestRevisionName": latest,
        "latestReadyRevisionName": ready,
        "configuration": {"activeRevisionsMode": "Single", "ingress": {"external": True, "traffic": traffic}},
    }
    return {"name": "agent-gateway", "properties": properties}


def revision(**more: Any) -> dict[str, Any]:
    base = {"active": True, "trafficWeight": 0, "healthState": "None", "provisioningState": "Provisioned"}
    return {"name": LATEST, "properties": {**base, **more}}


def looked(found: dict[str, Any] | None, **more: Any) -> Revision:
    answers = {f"GET {APP}?{VERSION}": found} if found else {}
    for name, value in more.items():
        path = {"of": f"/revisions/{LATEST}", "replicas": f"/revisions/{LATEST}/replicas"}[name]
        answers[f"GET {APP}{path}?{VERSION}"] = value
    with routes(answers) as (url, _):
        return inspect_app(Api(name="Azure", base=url, token=lambda: "t"), APP)


def test_the_latest_revision_that_is_ready_and_has_the_traffic_serves() -> None:
    assert looked(app()) == Revision(state="serves", text=f"{LATEST} has all traffic")


@pytest.mark.parametrize("state", ["Provisioning", "Activating", "Processing"])
def test_a_revision_that_comes_up_is_on_its_way(state: str) -> None:
    found = looked(app(ready=BEFORE), of=revision(runningState=state))
    assert found == Revision(state="moving", text=f"{LATEST} is {state}; {BEFORE} serves")


def test_an_app_whose_first_revision_is_not_there_yet_is_on_its_way() -> None:
    assert looked(app("", "")) == Revision(state="moving", text="there is no revision yet")
    assert looked(app(state="InProgress")) == Revision(state="moving", text=LATEST)


def test_traffic_that_is_elsewhere_is_said() -> None:
    assert looked(app(weight=20)).text == f"{LATEST} is ready but has 20 % of the traffic; give it 100 %"


def test_an_app_that_is_gone_is_said() -> None:
    assert looked(None) == Revision(
        state="failed", text="the container app agent-gateway does not exist; unmoor up creates it"
    )


def test_a_revision_that_failed_says_why_with_its_containers_last_lines() -> None:
    container = {"name": "gateway", "ready": False, "restartCount": 3, "runningStateDetails": "CrashLoopBackOff"}
    answers: dict[str, Any] = {
        f"GET {APP}?{VERSION}": app(ready=BEFORE),
        f"GET {APP}/revisions/{LATEST}?{VERSION}": revision(
            runningState="ActivationFailed", runningStateDetails="Container crashing"
        ),
        f"POST {APP}/getAuthToken?{VERSION}": {"properties": {"token": "of the stream"}},
        "GET /logs?follow=false&tailLines=20": "one\ntwo\n",
    }
    with routes(answers) as (url, asked):
        replica = {"properties": {"containers": [{"name": "guard", "ready": True}, container]}}
        container["logStreamEndpoint"] = f"{url}/logs"
        answers[f"GET {APP}/revisions/{LATEST}/replicas?{VERSION}"] = {"value": [replica]}
        found = inspect_app(Api(name="Azure", base=url, token=lambda: "t"), APP)
    assert found == Revision(
        state="failed",
        text=f"{LATEST} is not ready; {BEFORE} serves: Container crashing; "
        "container gateway: CrashLoopBackOff, restarted 3 times",
        log=("one", "two"),
    )
    assert asked[-1][1]["authorization"] == "Bearer of the stream"


@pytest.mark.parametrize(
    ("of", "said"),
    [
        ({"provisioningState": "Failed", "provisioningError": "Failed to pull image"}, "Failed to pull image"),
        ({"healthState": "Unhealthy", "runningState": "Running"}, "Running"),
        ({"runningState": "Degraded"}, "Degraded"),
    ],
)
def test_a_revision_that_failed_says_it_without_replicas_too(of: dict[str, Any], said: str) -> None:
    found = looked(app(ready=""), of=revision(**of))
    assert found == Revision(state="failed", text=f"{LATEST} is not ready: {said}")
