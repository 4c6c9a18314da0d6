"""What Azure and Google say of a subscription or project before the first `up`, asked of servers on loopback."""

from __future__ import annotations

from typing import Any

import pytest
from scripted_server import Said, answering

from unmoor.operate.platform_api import Api
from unmoor.targets.azure_container_apps import doctor as azure
from unmoor.targets.gcp_cloud_run import doctor as google

REGISTERED, NOT_REGISTERED = ({"registrationState": state} for state in ("Registered", "NotRegistered"))
OFF = {
    "error": {
        "code": 403,
        "message": "Service Usage API has not been used in project 123 before or it is disabled.",
        "status": "PERMISSION_DENIED",
    }
}
ENABLE = (
    "run gcloud services enable cloudresourcemanager.googleapis.com serviceusage.googleapis.com --project my-project"
)


def api(url: str) -> Api:
    return Api(name="Azure", base=url, token=lambda: "a-token")


def test_azure_names_each_provider_that_is_not_registered() -> None:
    answers = [Said(200, NOT_REGISTERED), *[Said(200, REGISTERED)] * 5, Said(200, NOT_REGISTERED)]
    with answering(*answers) as server:
        found = azure.provider_finding("1", api(server.url))
    assert str(found) == (
        "not registered: Microsoft.App, Microsoft.Storage; run az provider register --wait --namespace Microsoft.App; "
        "az provider register --wait --namespace Microsoft.Storage"
    )
    assert found.state == "wrong"
    assert server.asked[0].path == "/subscriptions/1/providers/Microsoft.App?api-version=2021-04-01"


def test_azure_with_every_provider_is_fine_and_without_the_right_to_look_cannot_tell() -> None:
    with answering(Said(200, REGISTERED)) as server:
        assert azure.provider_finding("1", api(server.url)).state == "fine"
    with answering(Said(403, {"error": {"code": "AuthorizationFailed", "message": "no."}})) as server:
        found = azure.provider_finding("1", api(server.url))
    assert (found.state, found.said.startswith("cannot tell")) == ("note", True)


@pytest.mark.parametrize(
    ("used", "said"),
    [
        (14, ["14 of 15 Container Apps environments in westeurope"]),
        (
            15,
            [
                "15 of 15 Container Apps environments in westeurope; for another agent, set environment_id to an existing "
                "environment, or request a larger quota"
            ],
        ),
    ],
)
def test_azure_counts_environments(used: int, said: list[str]) -> None:
    usage = {"name": {"value": "ManagedEnvironmentCount"}, "currentValue": used, "limit": 15}
    with answering(Said(200, {"value": [usage]})) as server:
        assert [str(f) for f in azure.environment_findings("1", "westeurope", api(server.url))] == said


def test_azure_that_does_not_count_says_nothing() -> None:
    with answering(Said(404, {})) as server:
        assert list(azure.environment_findings("1", "westeurope", api(server.url))) == []


@pytest.mark.parametrize(
    ("answers", "state", "said"),
    [
        ([Said(200, {"state": "ENABLED"})], "fine", "Resource Manager and Service Usage are enabled"),
        (
            [Said(200, {"state": "DISABLED"}), Said(200, {"state": "ENABLED"})],
            "wrong",
            f"not enabled: cloudresourcemanager.googleapis.com; {ENABLE}",
        ),
        ([Said(403, OFF)], "wrong", ENABLE),
        ([Said(403, {"error": {"message": "no right"}})], "note", "cannot tell which are enabled"),
    ],
)
def test_google_names_the_apis_that_come_first(answers: list[Any], state: str, said: str) -> None:
    with answering(*answers) as server:
        found = google.api_finding("my-project", api(server.url))
    assert found.state == state
    assert said in str(found)
