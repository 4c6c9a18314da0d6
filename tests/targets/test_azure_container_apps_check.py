"""What Container Apps refuses, and in which words."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from unmoor.spec.make_plan import make_plan
from unmoor.spec.models import Spec
from unmoor.targets.azure_container_apps import target

SPEC = {
    "version": 1,
    "name": "hello",
    "harness": {"name": "claude-code"},
    "model": {"provider": "anthropic", "name": "claude-sonnet-5", "api_key": "anthropic-key"},
    "secrets": {"anthropic-key": {"env": "ANTHROPIC_API_KEY"}},
}
SHARED = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/shared/providers"
SUBNET = f"{SHARED}/Microsoft.Network/virtualNetworks/net/subnets/apps"
REGISTRY = f"{SHARED}/Microsoft.ContainerRegistry/registries/Shared"
SECRET = f"{SHARED}/Microsoft.KeyVault/vaults/shared/secrets/key"
SHARED_ENVIRONMENT = f"{SHARED}/Microsoft.App/managedEnvironments/all"
HERE = "targets.azure-container-apps"


def problems(settings=None, **changes):
    plan = make_plan(Spec.model_validate(SPEC | changes), "prod")
    return [
        str(p)
        for p in target.check(plan, target.settings.model_validate({"location": "westeurope"} | (settings or {})))
    ]


def test_a_small_agent_is_taken():
    assert problems() == []


@pytest.mark.parametrize(
    ("changes", "settings", "problem"),
    [
        (
            {"resources": {"arch": "arm64"}},
            {},
            "resources.arch: Container Apps does not support arm64; write amd64, or choose another target",
        ),
        (
            {"image": "127.0.0.1:5000/agent:1"},
            {},
            "image: Azure cannot pull '127.0.0.1:5000/agent:1' from this machine; "
            "push it to a registry, or write {build: ./folder}",
        ),
        (
            {"resources": {"cpu": 4, "memory": "8Gi"}},
            {},
            "resources: Consumption has no room for 4.25 vCPU and 8704Mi including sidecars; "
            f"request less, or set {HERE}.workload_profile to a larger machine",
        ),
        (
            {"resources": {"cpu": 16, "memory": "8Gi"}},
            {"workload_profile": {"type": "D4"}},
            "resources: D4 has no room for 16.25 vCPU and 8704Mi including sidecars "
            f"(4 processors, 16Gi); request less, or set {HERE}.workload_profile.type to a larger one",
        ),
        (
            {"gateway": {"cpu": 5}},
            {},
            "gateway: Consumption has no room for 5 vCPU and 512Mi including sidecars; request at most 4 vCPU and 8Gi",
        ),
        (
            {},
            {"workload_profile": {"type": "D4", "min": 3, "max": 2}},
            f"{HERE}.workload_profile.min: min 3 is above max 2; lower min or raise max",
        ),
        (
            {"resources": {"disk": "10Gi"}},
            {},
            "resources.disk: 10Gi is over the 8Gi of a replica with 1.25 processors; "
            "lower it to 8Gi, or choose aws-ecs or vm-docker",
        ),
        (
            {"resources": {"cpu": 0.25, "memory": "512Mi", "disk": "4Gi"}},
            {},
            "resources.disk: 4Gi is over the 2Gi of a replica with 0.5 processors; "
            "lower it, or set resources.cpu to 0.5 or more",
        ),
        (
            {"retention": {"logs": "731d"}},
            {},
            "retention.logs: 731d is over Log Analytics' 730d; lower it",
        ),
        (
            {},
            {"zone_redundant": True},
            f"{HERE}.zone_redundant: only an environment in your own subnet can be zone-redundant; "
            f"set {HERE}.infrastructure_subnet_id, or leave it false",
        ),
        (
            {"network": {"domain": "agent.example.com"}},
            {},
            "network.domain: there is no certificate for agent.example.com; "
            f"set {HERE}.certificate to managed, or to the id of a Key Vault secret that contains one",
        ),
        (
            {"network": {"domain": "example.com"}},
            {"certificate": "managed"},
            f"{HERE}.certificate: a managed certificate is validated by a CNAME record, which example.com itself cannot "
            "have; use a name below it, such as agent.example.com, or a Key Vault secret's id",
        ),
        (
            {},
            {"certificate": "managed"},
            f"{HERE}.certificate: certificate requires network.domain, which is not set; set network.domain or remove it",
        ),
        (
            {"image": "shared.azurecr.io/agent:1"},
            {},
            f"image: no identity may pull from shared.azurecr.io; set {HERE}.registry to that registry's id",
        ),
        (
            {"image": "ghcr.io/example/agent:1"},
            {"registry": REGISTRY},
            f"{HERE}.registry: ghcr.io/example/agent:1 is not in shared.azurecr.io; "
            "remove it, or set it to the image's registry",
        ),
        (
            {},
            {"environment_id": SHARED_ENVIRONMENT, "logs_daily_gb": 2},
            f"{HERE}.logs_daily_gb: it belongs to the environment, which is shared; remove it",
        ),
        (
            {"network": {"domain": "agent.example.com"}},
            {"environment_id": SHARED_ENVIRONMENT, "certificate": "managed"},
            "network.domain: the certificate of a domain belongs to the environment, which is shared; "
            f"remove it, or remove {HERE}.environment_id",
        ),
        (
            {"secrets": {"anthropic-key": {"existing": True}}},
            {},
            "secrets.anthropic-key: its location on azure-container-apps is missing; "
            f"set {HERE}.secrets.anthropic-key to its id in a Key Vault",
        ),
        (
            {},
            {"secrets": {"anthropic-key": SECRET}},
            f"{HERE}.secrets.anthropic-key: there is no existing secret of this name; remove it, or write existing: true",
        ),
        (
            {"secrets": {"anthropic-key": {"existing": True}}},
            {"secrets": {"anthropic-key": "https://shared.vault.azure.net/secrets/key"}},
            f"{HERE}.secrets.anthropic-key: 'https://shared.vault.azure.net/secrets/key' is not valid; write "
            "/subscriptions/…/resourceGroups/…/providers/Microsoft.KeyVault/vaults/…/secrets/…",
        ),
        (
            {
                "triggers": [
                    {"name": "nightly", "schedule": {"cron": "0 3 * * *", "timezone": "Europe/Paris"}, "prompt": "go"}
                ]
            },
            {},
            "triggers[nightly].schedule.timezone: Europe/Paris has daylight saving time, and a job's schedule is in "
            "UTC; write the schedule in UTC, or override this trigger in an environment for this target",
        ),
        (
            {"triggers": [{"name": "a", "schedule": {"cron": "0 3 * * *", "missed": "run_once"}, "prompt": "go"}]},
            {},
            "triggers[a].schedule.missed: only the gateway's scheduler supports run_once, and Container Apps fires this "
            "schedule; remove it, or choose vm-docker or run.isolation: process",
        ),
    ],
)
def test_a_refusal_says_where_what_and_what_to_do(changes, settings, problem):
    assert problems(settings, **changes) == [problem]


@pytest.mark.parametrize(
    ("changes", "settings"),
    [
        ({"resources": {"cpu": 8, "memory": "24Gi"}}, {"workload_profile": {"type": "E16"}}),
        ({"network": {"domain": "agent.example.com"}}, {"certificate": "managed"}),
        ({"network": {"domain": "example.com"}}, {"certificate": SECRET}),
        ({"image": "shared.azurecr.io/agent:1"}, {"registry": REGISTRY}),
        ({}, {"zone_redundant": True, "infrastructure_subnet_id": SUBNET}),
        ({"secrets": {"anthropic-key": {"existing": True}}}, {"secrets": {"anthropic-key": SECRET}}),
    ],
)
def test_the_remedy_is_taken(changes, settings):
    assert problems(settings, **changes) == []


def test_a_gateway_with_runs_in_it_knows_every_time_zone():
    trigger = {"name": "nightly", "schedule": {"cron": "0 3 * * *", "timezone": "Europe/Paris"}, "prompt": "go"}
    assert problems(run={"isolation": "process"}, triggers=[trigger]) == []


def test_all_problems_are_found_at_once():
    found = problems({"zone_redundant": True}, resources={"arch": "arm64"}, retention={"logs": "800d"})
    assert [p.split(":")[0] for p in found] == ["resources.arch", "retention.logs", f"{HERE}.zone_redundant"]


@pytest.mark.parametrize(
    "settings",
    [
        {"location": "West Europe"},
        {"subscription_id": "mine"},
        {"infrastructure_subnet_id": "subnet-1"},
        {"registry": "shared.azurecr.io"},
        {"certificate": "letsencrypt"},
        {"workload_profile": {"type": "D5"}},
        {"logs_daily_gb": 0},
    ],
)
def test_a_setting_that_is_malformed_is_refused(settings):
    with pytest.raises(ValidationError):
        target.settings.model_validate({"location": "westeurope"} | settings)


def test_every_setting_is_described():
    assert [n for n, f in target.settings.model_fields.items() if not f.description] == []
