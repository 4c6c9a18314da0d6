"""What Cloud Run refuses, and in which words."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from unmoor.spec.make_plan import make_plan
from unmoor.spec.models import Spec
from unmoor.targets.gcp_cloud_run import target

SPEC = {
    "version": 1,
    "name": "hello",
    "harness": {"name": "claude-code"},
    "model": {"provider": "anthropic", "name": "claude-sonnet-5", "api_key": "anthropic-key"},
    "secrets": {"anthropic-key": {"env": "ANTHROPIC_API_KEY"}},
}
HERE = "targets.gcp-cloud-run"
PLACE = {"project": "my-project", "region": "europe-west1"}


def problems(settings=None, **changes):
    plan = make_plan(Spec.model_validate(SPEC | changes), "prod")
    return [str(p) for p in target.check(plan, target.settings.model_validate(PLACE | (settings or {})))]


def test_a_small_agent_is_taken():
    assert problems() == []


@pytest.mark.parametrize(
    ("changes", "settings", "problem"),
    [
        (
            {"resources": {"arch": "arm64"}},
            {},
            "resources.arch: Cloud Run does not support arm64; write amd64, or choose another target",
        ),
        (
            {"resources": {"cpu": 16, "memory": "8Gi"}},
            {},
            "resources: Cloud Run has no size for 16 vCPU and 8Gi in all; request at most 8 and 32Gi",
        ),
        (
            {"resources": {"cpu": 1, "memory": "40Gi"}},
            {},
            "resources: Cloud Run has no size for 1 vCPU and 40Gi in all; request at most 8 and 32Gi",
        ),
        (
            {"run": {"isolation": "process"}, "resources": {"cpu": 8, "memory": "8Gi"}},
            {},
            "gateway: Cloud Run has no size for 8.25 vCPU and 8704Mi in all; request at most 8 and 32Gi",
        ),
        (
            {"resources": {"memory": "8Gi", "disk": "25Gi"}},
            {"disk": "memory"},
            "resources: Cloud Run has no size for 1 vCPU and 33Gi in all; request at most 8 and 32Gi",
        ),
        (
            {"resources": {"disk": "20Gi"}},
            {},
            "resources.disk: 20Gi is over an instance's quota of 10Gi; "
            f"lower it, or have Google raise the quota and set {HERE}.disk_quota_gib to 20",
        ),
        (
            {"run": {"timeout": "169h"}},
            {},
            "run.timeout: 169h is over a job's 7d; lower it, or choose aws-ecs or vm-docker",
        ),
        (
            {"retention": {"logs": "3651d"}},
            {},
            "retention.logs: 3651d is over Cloud Logging's 3650d; lower it",
        ),
        (
            {"image": "localhost:5000/agent:1"},
            {},
            "image: Google Cloud cannot pull 'localhost:5000/agent:1' from this machine; "
            "push it to a registry, or write {build: ./folder}",
        ),
        (
            {},
            {"static_address": True, "network": "shared"},
            f"{HERE}.subnetwork: a NAT needs both, and subnetwork is not set; "
            "set it, or remove the other to get new ones",
        ),
        (
            {},
            {"static_address": True, "subnetwork": "runs"},
            f"{HERE}.network: a NAT needs both, and network is not set; set it, or remove the other to get new ones",
        ),
        (
            {},
            {"vpc_egress": "all-traffic"},
            f"{HERE}.vpc_egress: vpc_egress requires a network; remove it, or set network and subnetwork",
        ),
        (
            {},
            {"vpc_egress": "private-ranges-only", "static_address": True},
            f"{HERE}.vpc_egress: public traffic would not leave from the static address; "
            "remove it, or write all-traffic",
        ),
        (
            {},
            {"dns_zone": "example-com"},
            f"{HERE}.dns_zone: dns_zone requires network.domain, which is not set; set network.domain or remove it",
        ),
        (
            {"secrets": {"anthropic-key": {"existing": True}}},
            {},
            "secrets.anthropic-key: its location on gcp-cloud-run is missing; "
            f"set {HERE}.secrets.anthropic-key to projects/P/secrets/S",
        ),
        (
            {},
            {"secrets": {"anthropic-key": "projects/my-project/secrets/key"}},
            f"{HERE}.secrets.anthropic-key: there is no existing secret of this name; remove it, or write existing: true",
        ),
        (
            {"secrets": {"anthropic-key": {"existing": True}}},
            {"secrets": {"anthropic-key": "projects/my-project/secrets/key/versions/latest"}},
            f"{HERE}.secrets.anthropic-key: 'projects/my-project/secrets/key/versions/latest' is not valid; "
            "write projects/P/secrets/S, and /versions/N to pin its value",
        ),
        (
            {"triggers": [{"name": "a", "schedule": {"cron": "0 3 * * *", "missed": "run_once"}, "prompt": "go"}]},
            {},
            "triggers[a].schedule.missed: only the gateway's scheduler supports run_once, and Cloud Scheduler fires this "
            "schedule; remove it, or choose vm-docker or run.isolation: process",
        ),
    ],
)
def test_is_refused(changes, settings, problem):
    assert problems(settings, **changes) == [problem]


@pytest.mark.parametrize(
    ("changes", "settings"),
    [
        ({"run": {"timeout": "7d"}}, {}),
        ({"run": {"timeout": "30d", "isolation": "process"}}, {}),
        ({"resources": {"disk": "20Gi"}}, {"disk_quota_gib": 20}),
        ({"resources": {"disk": "20Gi"}}, {"disk": "memory"}),
        ({"resources": {"cpu": 8, "memory": "32Gi"}}, {}),
        ({"retention": {"logs": "3650d"}}, {}),
        ({"image": "ghcr.io/example/agent:1"}, {}),
        ({}, {"static_address": True}),
        ({}, {"subnetwork": "runs", "vpc_egress": "all-traffic"}),
        ({"network": {"domain": "agent.example.com"}}, {"dns_zone": "projects/other-project/managedZones/example-com"}),
        (
            {"secrets": {"anthropic-key": {"existing": True}}},
            {"secrets": {"anthropic-key": "projects/other-project/secrets/key/versions/12"}},
        ),
        (
            {
                "triggers": [
                    {"name": "both", "schedule": {"cron": "0 3 1 * 1", "timezone": "Europe/Paris"}, "prompt": "go"}
                ]
            },
            {},
        ),
    ],
)
def test_is_taken(changes, settings):
    assert problems(settings, **changes) == []


@pytest.mark.parametrize(
    "settings",
    [
        {"region": "europe-west1"},
        {"project": "my-project"},
        PLACE | {"project": "My Project"},
        PLACE | {"region": "europe"},
        PLACE | {"network": "projects/p/networks/n"},
        PLACE | {"subnetwork": "https://www.googleapis.com/compute/v1/projects/p/regions/r/subnetworks/s"},
        PLACE | {"public_access": "everyone"},
        PLACE | {"disk_quota_gib": 5},
        PLACE | {"kms_key": "key"},
        PLACE | {"zone": "europe-west1-b"},
    ],
)
def test_settings_of_another_shape_are_refused(settings):
    with pytest.raises(ValidationError):
        target.settings.model_validate(settings)
