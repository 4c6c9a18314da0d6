"""Who may do what on Container Apps, read off the graph: right as built, and seen when something is planted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from unmoor.graph import Resource
from unmoor.recording.access_rules import access_breaches
from unmoor.recording.of_target import graph_of
from unmoor.spec.make_plan import make_plan
from unmoor.spec.models import Spec
from unmoor.targets.azure_container_apps import target

pytestmark = pytest.mark.slow

SPEC = {
    "version": 1,
    "name": "hello",
    "harness": {"name": "claude-code"},
    "model": {"provider": "anthropic", "name": "claude-sonnet-5", "api_key": "anthropic-key"},
    "context": {"repos": [{"url": "https://github.com/example/project", "credential": "github-token"}]},
    "triggers": [
        {
            "name": "hook",
            "webhook": {"verify": {"scheme": "github", "secret": "hook-secret"}},
            "prompt": "go",
        },
        {"name": "nightly", "schedule": {"cron": "0 3 * * *"}, "prompt": "go"},
    ],
    "secrets": {
        "anthropic-key": {"env": "ANTHROPIC_API_KEY"},
        "github-token": {"existing": True},
        "hook-secret": {"env": "HOOK_SECRET"},
    },
}
EXISTING = (
    "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/shared"
    "/providers/Microsoft.KeyVault/vaults/Shared/secrets/github"
)
ROLES = "/subscriptions/00000000-0000-0000-0000-000000000000/providers/Microsoft.Authorization/roleDefinitions"
CONTRIBUTOR, BLOB_CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c", "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
GROUP = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/"


def plan_of(isolation="container"):
    return make_plan(Spec.model_validate(SPEC | {"run": {"isolation": isolation}}), "prod")


def resources_of(isolation="container"):
    settings = target.settings.model_validate({"location": "westeurope", "secrets": {"github-token": EXISTING}})
    return graph_of(target, plan_of(isolation), settings)


@pytest.fixture(scope="module")
def resources() -> tuple[Resource, ...]:
    return resources_of()


def named(resources, kind, name):
    return next(r for r in resources if r.kind == kind and r.name == f"hello-{name}")


def planted(resources, kind, name, path, value):
    """The graph with one input changed; the path's steps are names and numbers."""
    victim = named(resources, kind, name)
    return [replace(r, inputs=changed(r.inputs, path.split("."), value)) if r is victim else r for r in resources]


def changed(inputs, way, value):
    if not way:
        return value
    step = int(way[0]) if isinstance(inputs, list) else way[0]
    copy = list(inputs) if isinstance(inputs, list) else dict(inputs)
    copy[step] = changed(copy[step] if len(way) > 1 else None, way[1:], value)
    return copy


def breaches(resources, plan=None):
    plan = plan or plan_of()
    return access_breaches(plan, target.access(plan, resources))


def test_the_graph_keeps_every_rule(resources):
    assert breaches(resources) == []


def test_runs_in_the_gateway_keep_every_rule():
    assert breaches(resources_of("process"), plan_of("process")) == []


def test_each_part_is_given_what_it_holds(resources):
    assert target.access(plan_of(), resources).reads == {
        ("gateway", "gateway-token"),
        ("gateway", "hook-secret"),
        ("guard", "anthropic-key"),
        ("run", "github-token"),
    }


def test_no_code_can_obtain_a_secret(resources):
    assert target.access(plan_of(), resources).self_obtainable == frozenset()


def test_only_the_gateway_and_the_schedules_start_runs(resources):
    assert target.access(plan_of(), resources).starts == {("gateway", "run"), ("schedules", "run")}


def test_only_the_gateway_listens(resources):
    assert target.access(plan_of(), resources).listens == {("gateway", 443, True, True)}


def test_run_and_guard_share_an_identity_and_so_their_prefixes(resources):
    touches = target.access(plan_of(), resources).store_access
    assert {t for t in touches if t[2] == "budget/"} == {
        (who, what, "budget/") for who in ("run", "guard") for what in ("read", "write")
    }
    assert {t for t in touches if t[2] == "deliveries/"} == {
        ("gateway", "read", "deliveries/"),
        ("gateway", "write", "deliveries/"),
    }


def test_the_model_key_in_the_run_is_seen(resources):
    key = {"name": "UNMOOR_SECRET_ANTHROPIC_KEY", "secretRef": "anthropic-key"}
    found = breaches(planted(resources, "Job", "run", "template.containers.0.env.0", key))
    assert "run can read anthropic-key, which it does not hold" in found


def test_the_model_key_under_another_name_is_seen(resources):
    key = {"name": "HARMLESS", "secretRef": "anthropic-key"}
    found = breaches(planted(resources, "Job", "schedule-nightly", "template.containers.0.env.0", key))
    assert found == ["run can read anthropic-key, which it does not hold"]


def test_secrets_as_a_volume_are_seen(resources):
    graph = planted(resources, "Job", "run", "template.volumes.0", {"name": "run-temp", "storageType": "Secret"})
    assert "run can read anthropic-key, which it does not hold" in breaches(graph)


@pytest.mark.parametrize("lifecycle", ["Main", "All", "Init"])
def test_a_reachable_execution_identity_is_seen(resources, lifecycle):
    path = "configuration.identitySettings.1.lifecycle"
    found = breaches(planted(resources, "Job", "run", path, lifecycle))
    assert "code in run can obtain the model key anthropic-key" in found


def test_identities_without_settings_are_reachable(resources):
    found = breaches(planted(resources, "ContainerApp", "gateway", "configuration.identitySettings", []))
    assert target.access(
        plan_of(), planted(resources, "ContainerApp", "gateway", "configuration.identitySettings", [])
    ).self_obtainable == {
        ("gateway", "gateway-token"),
        ("gateway", "hook-secret"),
    }
    assert found == []  # they are its own


def test_a_secret_granted_to_the_runs_own_identity_is_seen(resources):
    own = named(resources, "RoleAssignment", "run-store").inputs["principalId"]
    graph = planted(resources, "RoleAssignment", "run-secret-anthropic-key", "principalId", own)
    assert "code in run can obtain the model key anthropic-key" in breaches(graph)


def test_an_existing_secret_granted_to_the_gateway_is_seen(resources):
    gateway = named(resources, "RoleAssignment", "gateway-store").inputs["principalId"]
    graph = planted(resources, "RoleAssignment", "run-secret-github-token", "principalId", gateway)
    assert "gateway can read github-token, which it does not hold" in breaches(graph)


def test_a_secret_role_on_the_whole_vault_is_seen(resources):
    own = named(resources, "RoleAssignment", "run-store").inputs["principalId"]
    whole = named(resources, "RoleAssignment", "run-secret-anthropic-key").inputs["scope"].split("/secrets/")[0]
    graph = planted(resources, "RoleAssignment", "run-image", "principalId", own)
    graph = planted(graph, "RoleAssignment", "run-image", "scope", whole)
    role = named(resources, "RoleAssignment", "run-secret-anthropic-key").inputs["roleDefinitionId"]
    found = breaches(planted(graph, "RoleAssignment", "run-image", "roleDefinitionId", role))
    assert {"code in run can obtain hook-secret", "code in run can obtain the model key anthropic-key"} <= set(found)


def test_a_store_without_a_condition_is_seen(resources):
    found = breaches(planted(resources, "RoleAssignment", "run-store", "condition", ""))
    assert {"run may delete the whole store", "guard may write the whole store"} <= set(found)


def test_a_condition_that_is_not_understood_counts_for_nothing(resources):
    condition = named(resources, "RoleAssignment", "run-store").inputs["condition"] + " OR (1 Equals 1)"
    assert "run may read the whole store" in breaches(
        planted(resources, "RoleAssignment", "run-store", "condition", condition)
    )


def test_another_prefix_is_seen(resources):
    condition = named(resources, "RoleAssignment", "run-store").inputs["condition"].replace("'runs/'", "'deliveries/'")
    found = breaches(planted(resources, "RoleAssignment", "run-store", "condition", condition))
    assert {"run may read deliveries/", "run may write deliveries/"} <= set(found)


def test_azures_own_blob_role_is_held_to_the_same_condition(resources):
    graph = planted(resources, "RoleAssignment", "run-store", "roleDefinitionId", f"{ROLES}/{BLOB_CONTRIBUTOR}")
    assert breaches(graph) == []


def test_a_wider_right_to_start_is_seen(resources):
    group = GROUP + named(resources, "Job", "run").inputs["resourceGroupName"]
    found = breaches(planted(resources, "RoleAssignment", "gateway-start", "scope", group))
    assert found == ["gateway may start anything", "hello-gateway-start"]


@pytest.mark.parametrize("scope", ["/", "/subscriptions/1", "/providers/Microsoft.Management/managementGroups/all"])
def test_a_grant_above_the_group_covers_everything(resources, scope):
    found = breaches(planted(resources, "RoleAssignment", "run-secret-anthropic-key", "scope", scope))
    assert found == ["hello-run-secret-anthropic-key"]
    own = named(resources, "RoleAssignment", "run-store").inputs["principalId"]
    graph = planted(resources, "RoleAssignment", "run-secret-anthropic-key", "scope", scope)
    found = breaches(planted(graph, "RoleAssignment", "run-secret-anthropic-key", "principalId", own))
    assert "code in run can obtain hook-secret" in found


def test_a_run_that_may_start_runs_is_seen(resources):
    own = named(resources, "RoleAssignment", "run-store").inputs["principalId"]
    found = breaches(planted(resources, "RoleAssignment", "gateway-start", "principalId", own))
    assert {"run may start run", "guard may start run"} <= set(found)


def test_an_action_with_a_star_is_seen_with_the_secrets_that_it_lists(resources):
    graph = planted(resources, "RoleDefinition", "start", "permissions.0.actions", ["Microsoft.App/jobs/*/action"])
    found = breaches(graph)
    assert {"hello-gateway-start", "code in gateway can obtain the model key anthropic-key"} <= set(found)


def test_a_role_that_is_not_known_counts_as_everything(resources):
    graph = planted(resources, "RoleAssignment", "run-image", "roleDefinitionId", f"{ROLES}/{CONTRIBUTOR}")
    assert "hello-run-image" in breaches(graph)


def test_the_accounts_keys_are_the_whole_store(resources):
    account = named(resources, "RoleAssignment", "run-store").inputs["scope"].split("/blobServices/")[0]
    graph = planted(
        resources,
        "RoleDefinition",
        "store",
        "permissions.0.actions",
        ["Microsoft.Storage/storageAccounts/listKeys/action"],
    )
    graph = planted(graph, "RoleAssignment", "run-store", "scope", account)
    assert "run may delete the whole store" in breaches(graph)


def test_plain_http_is_seen(resources):
    found = breaches(planted(resources, "ContainerApp", "gateway", "configuration.ingress.allowInsecure", True))
    assert found == ["gateway listens on public port 443 without TLS"]


def test_a_public_tcp_port_is_seen(resources):
    port = [{"external": True, "targetPort": 8790, "exposedPort": 8790}]
    graph = planted(resources, "ContainerApp", "gateway", "configuration.ingress.additionalPortMappings", port)
    assert breaches(graph) == ["gateway listens on public port 8790 without TLS"]


def test_a_public_container_is_seen(resources):
    graph = planted(resources, "StorageAccount", "store", "allowBlobPublicAccess", True)
    assert breaches(planted(graph, "BlobContainer", "store", "publicAccess", "Blob")) == [
        "anyone may read the whole store"
    ]
