"""Who may do what on Cloud Run, read off the graph: right as built, and seen when something is planted."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from unmoor.graph import Resource
from unmoor.recording.access_rules import access_breaches
from unmoor.recording.of_target import graph_of
from unmoor.spec.make_plan import make_plan
from unmoor.spec.models import Spec
from unmoor.targets.gcp_cloud_run import target

pytestmark = pytest.mark.slow

SPEC = {
    "version": 1,
    "name": "hello",
    "harness": {"name": "claude-code"},
    "model": {"provider": "anthropic", "name": "claude-sonnet-5", "api_key": "anthropic-key"},
    "context": {"repos": [{"url": "https://github.com/example/project", "credential": "github-token"}]},
    "triggers": [
        {"name": "hook", "webhook": {"verify": {"scheme": "github", "secret": "hook-secret"}}, "prompt": "go"},
        {"name": "nightly", "schedule": {"cron": "0 3 * * *"}, "prompt": "go"},
    ],
    "secrets": {
        "anthropic-key": {"env": "ANTHROPIC_API_KEY"},
        "github-token": {"existing": True},
        "hook-secret": {"env": "HOOK_SECRET"},
    },
    "network": {"domain": "agent.example.com"},
}
SETTINGS = {
    "project": "my-project",
    "region": "europe-west1",
    "secrets": {"github-token": "projects/other-project/secrets/gh"},
}
GATEWAY, RUN, GUARD = (
    f"serviceAccount:hello-prod-{role}@my-project.iam.gserviceaccount.com" for role in ("gateway", "run", "guard")
)
SECRET_GRANT = "gcp:secretmanager/secretIamMember:SecretIamMember"
STORE_GRANT = "gcp:storage/bucketIAMMember:BucketIAMMember"
JOB_GRANT = "gcp:cloudrunv2/jobIamMember:JobIamMember"
SERVICE_GRANT = "gcp:cloudrunv2/serviceIamMember:ServiceIamMember"
PROJECT_GRANT = "gcp:projects/iAMMember:IAMMember"
ALL = ("read", "write", "delete")


def plan_of(isolation="container"):
    return make_plan(Spec.model_validate(SPEC | {"run": {"isolation": isolation}}), "prod")


@cache
def resources_of(isolation="container") -> tuple[Resource, ...]:
    return graph_of(target, plan_of(isolation), target.settings.model_validate(SETTINGS))


def access_of(resources):
    return target.access(plan_of(), resources)


def named(kind, name):
    return next(r for r in resources_of() if r.kind == kind and r.name == f"hello-{name}")


def planted(kind, name, **inputs):
    """The graph with some inputs of one resource changed; None takes one away."""
    victim = named(kind, name)
    changed = {k: v for k, v in (dict(victim.inputs) | inputs).items() if v is not None}
    return [replace(r, inputs=changed) if r is victim else r for r in resources_of()]


def with_grant(type_, **inputs):
    """The graph with one more resource."""
    return [*resources_of(), Resource(type=type_, name="hello-planted", parent="hello", inputs=inputs)]


def secret_id(name):
    return named("Secret", f"secret-{name}").inputs["secretId"]


def touches(who, **prefixes):
    return {(who, kind, f"{prefix}/") for prefix, kinds in prefixes.items() for kind in kinds}


def test_each_part_has_what_it_holds():
    access = access_of(resources_of())
    assert access.reads == {
        ("gateway", "gateway-token"),
        ("gateway", "hook-secret"),
        ("run", "github-token"),
        ("guard", "anthropic-key"),
    }
    assert access.self_obtainable == access.reads
    assert access.starts == {("gateway", "run"), ("schedules", "run")}
    assert access.wildcards == ()


def test_each_part_touches_its_own_prefixes():
    assert access_of(resources_of()).store_access == (
        touches("gateway", bundles=["read"], deliveries=["read", "write"], queue=ALL, runs=ALL, sessions=ALL)
        | touches("run", bundles=["read"], runs=ALL, sessions=ALL)
        | {("run", what, "queue/fired/") for what in ("read", "write")}
        | touches("guard", bundles=["read"], budget=ALL)
    )


def test_only_the_load_balancer_is_public():
    assert access_of(resources_of()).listens == {
        ("gateway", 443, True, True),
        ("gateway", 80, True, True),
        ("gateway", 443, False, True),
        ("guard", 443, False, True),
    }


def test_runs_in_the_gateway_give_it_their_secrets_but_not_the_model_key():
    access = target.access(plan_of("process"), resources_of("process"))
    assert access.reads == {
        ("gateway", "gateway-token"),
        ("gateway", "github-token"),
        ("gateway", "hook-secret"),
        ("guard", "anthropic-key"),
    }
    assert access.starts == frozenset()


@pytest.mark.parametrize("isolation", ["container", "process"])
def test_nothing_breaks_a_rule(isolation):
    assert access_breaches(plan_of(isolation), target.access(plan_of(isolation), resources_of(isolation))) == []


@pytest.mark.parametrize("who", ["gateway", "run"])
def test_a_grant_of_the_model_key_is_seen(who):
    member = {"gateway": GATEWAY, "run": RUN}[who]
    role = "roles/secretmanager.secretAccessor"
    graph = with_grant(SECRET_GRANT, secretId=secret_id("anthropic-key"), member=member, role=role)
    assert (who, "anthropic-key") in access_of(graph).self_obtainable
    assert f"code in {who} can obtain the model key anthropic-key" in access_breaches(plan_of(), access_of(graph))


def test_a_model_key_put_into_a_run_under_another_name_is_seen():
    job = named("Job", "run").inputs
    template = job["template"]["template"]
    key = {"secretKeyRef": {"secret": secret_id("anthropic-key"), "version": "1"}}
    smuggled = {"name": "PATH_EXTRA", "valueSource": key}
    container = dict(template["containers"][0]) | {"envs": [*template["containers"][0]["envs"], smuggled]}
    graph = planted("Job", "run", template={"template": dict(template) | {"containers": [container]}})
    assert ("run", "anthropic-key") in access_of(graph).reads


def test_a_secret_mounted_as_a_file_is_seen():
    service = named("Service", "gateway").inputs
    template = dict(service["template"])
    volume = {"name": "key", "secret": {"secret": f"projects/my-project/secrets/{secret_id('anthropic-key')}"}}
    container = dict(template["containers"][0])
    container["volumeMounts"] = [*container["volumeMounts"], {"name": "key", "mountPath": "/key"}]
    template |= {"containers": [container], "volumes": [*template["volumes"], volume]}
    assert ("gateway", "anthropic-key") in access_of(planted("Service", "gateway", template=template)).reads


def test_a_run_with_the_guards_account_is_seen():
    template = dict(named("Job", "run").inputs["template"]["template"])
    account = GUARD.removeprefix("serviceAccount:")
    access = access_of(planted("Job", "run", template={"template": template | {"serviceAccount": account}}))
    assert ("run", "anthropic-key") in access.self_obtainable
    assert ("run", "write", "budget/") in access.store_access


def test_the_right_to_act_as_the_guard_is_seen():
    graph = with_grant(
        "gcp:serviceaccount/iAMMember:IAMMember",
        serviceAccountId=f"projects/my-project/serviceAccounts/{GUARD.removeprefix('serviceAccount:')}",
        role="roles/iam.serviceAccountTokenCreator",
        member=RUN,
    )
    assert ("run", "anthropic-key") in access_of(graph).self_obtainable


@pytest.mark.parametrize("role", ["roles/secretmanager.admin", "roles/owner", "projects/my-project/roles/own"])
def test_a_role_on_the_project_is_seen(role):
    access = access_of(with_grant(PROJECT_GRANT, project="my-project", member=RUN, role=role))
    assert {
        ("run", s) for s in ("anthropic-key", "gateway-token", "github-token", "hook-secret")
    } <= access.self_obtainable
    assert access.wildcards == (f"hello-planted: {role} on my-project",)


def test_a_harmless_role_on_the_project_is_still_on_everything():
    role = "roles/logging.logWriter"
    access = access_of(with_grant(PROJECT_GRANT, project="my-project", member=RUN, role=role))
    assert access.self_obtainable == access_of(resources_of()).self_obtainable
    assert access.wildcards == (f"hello-planted: {role} on my-project",)


@pytest.mark.parametrize(
    ("condition", "prefix"),
    [
        (None, ""),
        ({"title": "x", "expression": "true"}, ""),
        ({"title": "x", "expression": 'resource.name.startsWith("projects/_/buckets/")'}, ""),
        ({"title": "x", "expression": 'resource.name.startsWith("projects/_/buckets/b/objects/")'}, ""),
        (
            {"title": "x", "expression": 'resource.name.startsWith("projects/_/buckets/b/objects/deliveries/")'},
            "deliveries/",
        ),
    ],
)
def test_a_wider_condition_on_the_store_is_seen(condition, prefix):
    access = access_of(planted("BucketIAMMember", "run-store-change", condition=condition))
    assert {("run", kind, prefix) for kind in ALL} <= access.store_access
    assert f"run may write {prefix or 'the whole store'}" in access_breaches(plan_of(), access)


def test_a_public_store_is_seen():
    shared = {"bucket": "b", "member": "allUsers", "role": "roles/storage.objectViewer"}
    assert ("anyone", "read", "") in access_of(with_grant(STORE_GRANT, **shared)).store_access
    inherited = planted("Bucket", "store", publicAccessPrevention="inherited")
    assert ("anyone", "read", "") in access_of(inherited).store_access


def test_a_run_that_may_start_runs_is_seen():
    graph = with_grant(JOB_GRANT, name="hello-prod-run", member=RUN, role="roles/run.invoker")
    assert "run may start run" in access_breaches(plan_of(), access_of(graph))
    graph = with_grant(JOB_GRANT, name="other-agents-job", member=GATEWAY, role="roles/run.jobsExecutor")
    assert "gateway may start other-agents-job" in access_breaches(plan_of(), access_of(graph))
    graph = with_grant(PROJECT_GRANT, project="my-project", member=GATEWAY, role="roles/run.developer")
    assert "gateway may start anything" in access_breaches(plan_of(), access_of(graph))


def test_a_gateway_that_may_change_the_guard_is_seen():
    graph = with_grant(SERVICE_GRANT, name="hello-prod-guard", member=GATEWAY, role="roles/run.developer")
    assert "gateway may start guard" in access_breaches(plan_of(), access_of(graph))


def test_a_guard_that_is_open_to_all_is_seen():
    opened = ("guard", 443, True, True)
    assert opened in access_of(planted("Service", "guard", invokerIamDisabled=True)).listens
    graph = with_grant(SERVICE_GRANT, name="hello-prod-guard", member="allUsers", role="roles/run.invoker")
    assert opened in access_of(graph).listens


def test_a_plain_door_is_seen():
    graph = planted("URLMap", "redirect", defaultService="backend", defaultUrlRedirect=None)
    assert ("gateway", 80, True, False) in access_of(graph).listens
    assert access_breaches(plan_of(), access_of(graph)) == ["gateway listens on public port 80 without TLS"]


def test_members_of_a_binding_and_whole_policies_are_seen():
    binding = "gcp:secretmanager/secretIamBinding:SecretIamBinding"
    shared = {"secretId": secret_id("hook-secret"), "role": "roles/secretmanager.secretAccessor"}
    access = access_of(with_grant(binding, members=[RUN, "user:eve@example.com"], **shared))
    assert {("run", "hook-secret"), ("user:eve@example.com", "hook-secret")} <= access.self_obtainable
    policy = access_of(with_grant("gcp:secretmanager/secretIamPolicy:SecretIamPolicy", policyData="{}"))
    assert policy.wildcards == ("hello-planted: a whole policy",)
