"""What Container Apps is asked for, as recorded without an engine."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache

import pytest

from unmoor.graph import Resource
from unmoor.recording.access_rules import descends_from_one, no_plain_secret, unique
from unmoor.recording.of_target import record_target, stand_in
from unmoor.spec.make_plan import make_plan
from unmoor.spec.models import Spec
from unmoor.target import PARTS
from unmoor.targets.azure_container_apps import target

pytestmark = pytest.mark.slow

SPEC = {
    "version": 1,
    "name": "hello",
    "harness": {"name": "claude-code"},
    "model": {"provider": "anthropic", "name": "claude-sonnet-5", "api_key": "anthropic-key"},
    "secrets": {"anthropic-key": {"env": "ANTHROPIC_API_KEY"}},
}
NIGHTLY = {"name": "nightly", "schedule": {"cron": "30 2 * * 1-5", "timezone": "Asia/Tokyo"}, "prompt": "go"}
INBOX = {
    "name": "inbox",
    "email": {"imap": "imap.example.com", "user": "bot", "password": "mail", "allow_from": ["*@example.com"]},
    "prompt": "answer",
}
EVERYTHING = SPEC | {
    "name": "everything",
    "triggers": [NIGHTLY, INBOX],
    "secrets": {
        "anthropic-key": {"env": "ANTHROPIC_API_KEY"},
        "mail": {"existing": True},
        "token": {"config": "token"},
    },
    "gateway": {"token": "token"},
    "resources": {"cpu": 2, "memory": "4Gi"},
    "network": {"domain": "agent.example.com"},
    "retention": {"runs": "60d", "logs": "90d"},
}
SHARED = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/shared/providers"
SECRET = f"{SHARED}/Microsoft.KeyVault/vaults/Shared/secrets"
EXISTING = {
    "resource_group": "mine",
    "subscription_id": "11111111-2222-3333-4444-555555555555",
    "infrastructure_subnet_id": f"{SHARED}/Microsoft.Network/virtualNetworks/net/subnets/apps",
    "zone_redundant": True,
    "registry": f"{SHARED}/Microsoft.ContainerRegistry/registries/shared",
    "certificate": f"{SECRET}/cert",
    "secrets": {"mail": f"{SECRET}/mail"},
}
CASES = {
    "minimal": (SPEC, {}),
    "everything": (EVERYTHING, {"certificate": "managed", "secrets": {"mail": f"{SECRET}/mail"}, "logs_daily_gb": 2}),
    "existing": (EVERYTHING, EXISTING),
    "process": (SPEC | {"run": {"isolation": "process"}, "triggers": [NIGHTLY]}, {"registry_login": "docker"}),
    "reference": (SPEC | {"image": "ghcr.io/example/agent:1"}, {"destroy_data": True}),
    "large": (SPEC | {"resources": {"cpu": 8, "memory": "24Gi"}}, {"workload_profile": {"type": "E16", "max": 3}}),
}


def recording_of(spec=SPEC, settings=None):
    plan = make_plan(Spec.model_validate(spec), "prod")
    chosen = target.settings.model_validate({"location": "westeurope", **(settings or {})})
    assert target.check(plan, chosen) == []
    return plan, chosen, record_target(target, plan, chosen)


def graph_of(spec=SPEC, settings=None) -> dict[tuple[str, str], Resource]:
    """The resources by the last part of their type and by their role; each graph is recorded once."""
    return _graph(json.dumps(spec), json.dumps(settings))


@cache
def _graph(spec, settings):
    plan, _, recording = recording_of(json.loads(spec), json.loads(settings))
    return {(r.kind, r.name.removeprefix(f"{plan.agent}-")): r for r in recording.resources}


def environment_of(container):
    return {e["name"]: e.get("value", e.get("secretRef")) for e in container["env"]}


@pytest.fixture(scope="module", params=CASES)
def case(request):
    return recording_of(*CASES[request.param])


def test_one_component_holds_everything_and_nothing_twice(case):
    _, _, recording = case
    assert list(descends_from_one(recording.resources)) == []
    assert list(unique(recording.resources)) == []


def test_no_secret_is_sent_in_plain(case):
    plan, _, recording = case
    values = [stand_in(s) for s in plan.secrets if s.source not in ("existing", "generated")]
    assert list(no_plain_secret(recording.plain_texts, values)) == []


def test_what_serves_a_part_is_in_the_graph(case):
    plan, settings, recording = case
    types = {r.type for r in recording.resources}
    assert [t for part in target.part_mappings(plan, settings) for t in part.types if t not in types] == []


def test_everything_that_takes_tags_has_them(case):
    untagged = ("Agent", "azure-native", "Secret", "RandomId", "RandomPassword", "Image", "DiagnosticSetting")
    untagged = (*untagged, "RoleAssignment", "RoleDefinition", "Blob", "BlobContainer", "BlobServiceProperties")
    tagged = [r for r in case[2].resources if r.kind not in (*untagged, "ManagementPolicy")]
    assert {r.name for r in tagged if r.inputs.get("tags", {}).get("managed-by") != "unmoor"} == set()


def test_every_output_is_there(case):
    assert {k for k, v in case[2].outputs.items() if not v} == set()


def test_every_topic_is_spoken_of(case):
    plan, settings, _ = case
    assert [g.topic for g in target.guarantees(plan, settings)] == [
        "the run cannot read the model key",
        "a run reaches only its egress list",
        "one run cannot see another",
        "the run's file system outside its workspace is read-only",
        "everything public is served by TLS",
        "data survives deletion of the stack",
        "a missed schedule",
        "the gateway scales to zero",
    ]
    assert [s.part for s in target.part_mappings(plan, settings)] == list(PARTS)


def test_no_revision_is_ever_named(case):
    assert "revisionSuffix" not in json.dumps([r.inputs for r in case[2].resources if r.kind == "ContainerApp"])


def test_the_same_plan_gives_the_same_graph():
    assert recording_of(EVERYTHING, EXISTING)[2].resources == recording_of(EVERYTHING, EXISTING)[2].resources


def test_the_gateway_scales_to_zero():
    scale = graph_of()["ContainerApp", "gateway"].inputs["template"]["scale"]
    assert (scale["minReplicas"], scale["maxReplicas"]) == (0, 2)


@pytest.mark.parametrize("name", ["everything", "process"])
def test_a_mailbox_or_runs_inside_keep_one_gateway(name):
    assert graph_of(*CASES[name])["ContainerApp", "gateway"].inputs["template"]["scale"]["minReplicas"] == 1


def test_a_run_is_an_execution_that_azure_never_repeats():
    run = graph_of()["Job", "run"].inputs
    assert run["configuration"]["triggerType"] == "Manual"
    assert run["configuration"]["replicaRetryLimit"] == 0
    assert run["configuration"]["replicaTimeout"] == 1800 + 900
    assert [(c["name"], c["args"]) for c in run["template"]["containers"]] == [("run", ["run"]), ("guard", ["guard"])]


def test_run_and_guard_are_sized_together():
    containers = graph_of()["Job", "run"].inputs["template"]["containers"]
    assert [c["resources"] for c in containers] == [{"cpu": 1, "memory": "2Gi"}, {"cpu": 0.25, "memory": "0.5Gi"}]


def test_a_large_run_is_on_machines_of_its_own_and_the_gateway_is_not():
    graph = graph_of(*CASES["large"])
    profiles = graph["ManagedEnvironment", "environment"].inputs["workloadProfiles"]
    assert [(p["name"], p["workloadProfileType"]) for p in profiles] == [
        ("Consumption", "Consumption"),
        ("runs", "E16"),
    ]
    assert graph["Job", "run"].inputs["workloadProfileName"] == "runs"
    assert graph["ContainerApp", "gateway"].inputs["workloadProfileName"] == "Consumption"


def test_the_gateway_is_told_how_to_start_a_run():
    graph = graph_of()
    told = environment_of(graph["ContainerApp", "gateway"].inputs["template"]["containers"][0])
    assert told["UNMOOR_LAUNCHER"] == "container-apps"
    assert json.loads(told["UNMOOR_LAUNCHER_CONFIG"]) == {
        "container": "run",
        "job": graph["RoleAssignment", "gateway-start"].inputs["scope"],
    }


def test_runs_in_the_gateway_have_their_guard_beside_them_and_no_job():
    graph = graph_of(*CASES["process"])
    containers = graph["ContainerApp", "gateway"].inputs["template"]["containers"]
    assert [c["name"] for c in containers] == ["gateway", "guard"]
    assert {k: v for k, v in environment_of(containers[0]).items() if k in ("UNMOOR_LAUNCHER", "UNMOOR_SCHEDULER")} == {
        "UNMOOR_LAUNCHER": "process",
        "UNMOOR_SCHEDULER": "gateway",
    }
    assert not [kind for kind, _ in graph if kind == "Job"]


def test_a_schedule_is_a_job_in_utc_otherwise_like_the_runs():
    graph = graph_of(*CASES["everything"])
    nightly, run = graph["Job", "schedule-nightly"].inputs, graph["Job", "run"].inputs
    assert nightly["configuration"]["scheduleTriggerConfig"]["cronExpression"] == "30 17 * * 0-4"
    assert nightly["template"]["containers"][0]["args"] == ["run", "--trigger", "nightly"]
    for same in ("secrets", "identitySettings", "replicaTimeout"):
        assert nightly["configuration"][same] == run["configuration"][same]


def test_azure_fetches_secrets_and_images_by_an_identity_that_no_container_can_use(case):
    for resource in (r for r in case[2].resources if r.kind in ("Job", "ContainerApp")):
        configuration = resource.inputs["configuration"]
        lifecycles = {s["identity"].rsplit("/", 1)[-1]: s["lifecycle"] for s in configuration["identitySettings"]}
        assert sorted(lifecycles.values()) == ["Main", "None"]
        used = [*configuration["secrets"], *configuration.get("registries", [])]
        assert {lifecycles[u["identity"].rsplit("/", 1)[-1]] for u in used} == {"None"}


def test_a_new_value_of_a_secret_makes_a_new_revision():
    graph = graph_of(EVERYTHING, CASES["everything"][1])
    app = graph["ContainerApp", "gateway"].inputs
    versions = json.loads(environment_of(app["template"]["containers"][0])["UNMOOR_VERSIONS"])
    assert versions == {s["name"]: s.get("keyVaultUrl") for s in app["configuration"]["secrets"]}
    assert versions["mail"] == "https://shared.vault.azure.net/secrets/mail"
    assert ("azure-native:keyvault:Secret", "everything-secret-token") in graph["ContainerApp", "gateway"].depends_on


def test_a_secret_says_where_its_value_came_from():
    secret = graph_of()["Secret", "secret-anthropic-key"].inputs
    assert (secret["tags"]["origin"], secret["tags"]["holders"]) == ("env:ANTHROPIC_API_KEY", "guard")
    assert secret["properties"]["value"] == "[secret]"


def test_no_vault_is_made_where_every_secret_exists():
    spec = SPEC | {
        "secrets": {"anthropic-key": {"existing": True}, "token": {"existing": True}},
        "gateway": {"token": "token"},
    }
    graph = graph_of(spec, {"secrets": {"anthropic-key": f"{SECRET}/key", "token": f"{SECRET}/token"}})
    assert not [kind for kind, _ in graph if kind in ("Vault", "Secret")]
    assert graph["RoleAssignment", "run-secret-anthropic-key"].inputs["scope"] == f"{SECRET}/key"


def test_the_store_is_closed_versioned_and_emptied_by_age():
    graph = graph_of(*CASES["everything"])
    account = graph["StorageAccount", "store"].inputs
    assert account["allowBlobPublicAccess"] is False
    assert account["minimumTlsVersion"] == "TLS1_2"
    assert graph["BlobContainer", "store"].inputs["publicAccess"] == "None"
    assert graph["BlobServiceProperties", "store"].inputs["isVersioningEnabled"] is True
    rules = {r["name"]: r["definition"] for r in graph["ManagementPolicy", "store"].inputs["policy"]["rules"]}
    assert rules["runs"]["filters"]["prefixMatch"] == ["store/runs/"]
    assert rules["runs"]["actions"]["baseBlob"]["delete"]["daysAfterModificationGreaterThan"] == 60
    expiring = ["budget", "deliveries", "queue-fired", "queue-outbox", "runs", "sessions"]
    assert sorted(rules) == sorted([*expiring, "replaced"])


def test_data_and_the_group_it_lies_in_are_kept():
    kept = {(kind, name) for (kind, name), r in graph_of().items() if r.retained}
    assert kept == {
        ("ResourceGroup", "group"),
        ("StorageAccount", "store"),
        ("BlobContainer", "store"),
        ("BlobServiceProperties", "store"),
        ("ManagementPolicy", "store"),
        ("Blob", "bundle"),
    }


def test_data_is_deleted_where_that_is_asked_for():
    kept = {kind for (kind, _), r in graph_of(*CASES["reference"]).items() if r.retained}
    assert kept == {"Blob"}  # an old bundle outlives its successor, not its container


def test_a_given_image_needs_no_registry():
    graph = graph_of(*CASES["reference"])
    assert not [kind for kind, _ in graph if kind in ("Registry", "Image")]
    assert graph["Job", "run"].inputs["template"]["containers"][0]["image"] == "ghcr.io/example/agent:1"
    assert "registries" not in graph["Job", "run"].inputs["configuration"]


def test_a_built_image_runs_by_its_digest():
    image = graph_of()["Job", "run"].inputs["template"]["containers"][0]["image"]
    assert "@sha256:" in image


@pytest.mark.parametrize("settings", [{}, {"registry": EXISTING["registry"]}])
def test_an_image_is_pushed_with_the_login_that_deploys_and_the_registry_has_no_admin_user(settings):
    graph = graph_of(SPEC, settings)
    [login] = graph["Image", "image"].inputs["registries"]
    assert (login["username"], login["password"]) == ("00000000-0000-0000-0000-000000000000", "[secret]")
    assert login["address"].endswith(".azurecr.io")
    assert settings or graph["Registry", "image"].inputs["adminUserEnabled"] is False


def test_docker_s_own_login_is_used_where_it_is_asked_for():
    assert "registries" not in graph_of(SPEC, {"registry_login": "docker"})["Image", "image"].inputs


def test_what_exists_is_used():
    graph = graph_of(*CASES["existing"])
    environment = graph["ManagedEnvironment", "environment"].inputs
    assert environment["vnetConfiguration"]["infrastructureSubnetId"] == EXISTING["infrastructure_subnet_id"]
    assert environment["resourceGroupName"] == "mine"
    assert graph["StorageAccount", "store"].inputs["sku"]["name"] == "Standard_ZRS"
    assert graph["RoleAssignment", "run-image"].inputs["scope"] == EXISTING["registry"]
    assert not [kind for kind, _ in graph if kind in ("ResourceGroup", "Registry")]


def test_a_managed_certificate_is_made_once_the_app_has_taken_the_name():
    graph = graph_of(*CASES["everything"])
    ingress = graph["ContainerApp", "gateway"].inputs["configuration"]["ingress"]
    assert ingress["customDomains"] == [{"bindingType": "Auto", "name": "agent.example.com"}]
    certificate = graph["ManagedCertificate", "domain"]
    assert certificate.inputs["properties"] == {"domainControlValidation": "CNAME", "subjectName": "agent.example.com"}
    assert ("azure-native:app:ContainerApp", "everything-gateway") in certificate.depends_on


def test_a_certificate_of_ones_own_is_there_before_the_app():
    graph = graph_of(*CASES["existing"])
    [domain] = graph["ContainerApp", "gateway"].inputs["configuration"]["ingress"]["customDomains"]
    assert (domain["name"], domain["bindingType"]) == ("agent.example.com", "SniEnabled")
    source = graph["Certificate", "domain"].inputs["properties"]["certificateKeyVaultProperties"]
    assert source["keyVaultUrl"] == "https://shared.vault.azure.net/secrets/cert"
    assert graph["RoleAssignment", "domain"].inputs["scope"] == f"{SECRET}/cert"
    assert graph["ManagedEnvironment", "environment"].inputs["identity"]["userAssignedIdentities"] == [
        source["identity"]
    ]


def test_logs_reach_their_workspace_without_a_key():
    graph = graph_of(*CASES["everything"])
    environment, setting = graph["ManagedEnvironment", "environment"], graph["DiagnosticSetting", "logs"].inputs
    assert environment.inputs["appLogsConfiguration"] == {"destination": "azure-monitor"}
    assert [log["category"] for log in setting["logs"]] == ["ContainerAppConsoleLogs", "ContainerAppSystemLogs"]
    workspace = graph["Workspace", "logs"].inputs
    assert (workspace["retentionInDays"], workspace["workspaceCapping"]) == (90, {"dailyQuotaGb": 2})


def test_grants_are_made_before_what_needs_them():
    before = graph_of()["Job", "run"].depends_on
    assert {name for type_, name in before if type_.endswith(":RoleAssignment")} == {
        "hello-run-image",
        "hello-run-secret-anthropic-key",
        "hello-run-store",
    }


def test_names_fit_azure_whatever_the_agent_is_called():
    spec = SPEC | {"name": "a-very-long-agent-name--of-32-ch", "triggers": [NIGHTLY | {"name": "a-very-long-trigger"}]}
    names = {
        key: r.inputs[key]
        for r in graph_of(spec).values()
        for key in ("accountName", "vaultName", "registryName", "jobName", "containerAppName", "environmentName")
        if key in r.inputs
    }
    assert {k: v for k, v in names.items() if "--" in v} == {}
    assert len(names["accountName"]) == len(names["vaultName"]) == 24
    assert len(names["registryName"]) <= 50
    assert max(len(names["jobName"]), len(names["containerAppName"])) <= 32
    assert names["accountName"].isalnum()


def test_two_agents_share_no_name():
    def names(agent):
        keys = ("accountName", "vaultName", "registryName", "roleAssignmentName", "resourceGroupName")
        graph = graph_of(SPEC | {"name": agent})
        return {r.inputs[k] for r in graph.values() for k in keys if k in r.inputs}

    assert names("hello") & names("hello-two") == set()


def test_importing_the_target_imports_no_sdk():
    package = "unmoor.targets.azure_container_apps"
    code = f"import sys, {package}.access; print([m for m in sys.modules if m.startswith('pulumi')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
