"""What Cloud Run is asked for, as recorded without an engine."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from functools import cache

import pytest

from unmoor.recording.access_rules import descends_from_one, no_plain_secret, unique
from unmoor.recording.of_target import record_target, stand_in
from unmoor.spec.make_plan import make_plan
from unmoor.spec.models import Spec
from unmoor.target import PARTS
from unmoor.targets.gcp_cloud_run import target

pytestmark = pytest.mark.slow

SPEC = {
    "version": 1,
    "name": "hello",
    "harness": {"name": "claude-code"},
    "model": {"provider": "anthropic", "name": "claude-sonnet-5", "api_key": "anthropic-key"},
    "secrets": {"anthropic-key": {"env": "ANTHROPIC_API_KEY"}},
}
NIGHTLY = {"name": "nightly", "schedule": {"cron": "30 4 * * 1-5", "timezone": "Europe/Paris"}, "prompt": "go"}
INBOX = {
    "name": "inbox",
    "email": {"imap": "imap.example.com", "user": "bot", "password": "mail", "allow_from": ["*@example.com"]},
    "prompt": "answer",
}
EVERYTHING = SPEC | {
    "triggers": [NIGHTLY, INBOX],
    "secrets": {
        "anthropic-key": {"env": "ANTHROPIC_API_KEY"},
        "mail": {"existing": True},
        "token": {"config": "token"},
    },
    "gateway": {"token": "token"},
    "run": {"timeout": "2h"},
    "resources": {"cpu": 2, "memory": "4Gi"},
    "network": {"domain": "agent.example.com"},
    "retention": {"runs": "60d", "logs": "90d"},
}
PROCESS = SPEC | {"run": {"isolation": "process"}, "triggers": [NIGHTLY]}
PLACE = {"project": "my-project", "region": "europe-west1"}
MAIL = {"secrets": {"mail": "projects/other-project/secrets/mail/versions/7"}}
OWN_NETWORK = {"network": "projects/host-project/global/networks/shared", "subnetwork": "runs"}
CASES = {
    "minimal": (SPEC, {}),
    "everything": (EVERYTHING, MAIL | {"dns_zone": "projects/dns-project/managedZones/example-com"}),
    "static": (EVERYTHING, MAIL | {"static_address": True, "public_access": "all_users"}),
    "existing": (EVERYTHING, MAIL | OWN_NETWORK | {"static_address": True}),
    "process": (PROCESS, {"disk": "memory", "destroy_data": True}),
    "reference": (SPEC | {"image": "ghcr.io/example/agent:1"}, OWN_NETWORK),
}


def recording_of(spec=SPEC, settings=None):
    plan = make_plan(Spec.model_validate(spec), "prod")
    chosen = target.settings.model_validate(PLACE | (settings or {}))
    assert target.check(plan, chosen) == []
    return plan, chosen, record_target(target, plan, chosen)


def inputs_of(resources, type_, role):
    return next(r for r in resources if r.type == f"gcp:{type_}" and r.name == f"hello-{role}").inputs


@cache
def _resources(spec, settings):
    return recording_of(json.loads(spec), json.loads(settings))[2].resources


def resources_of(spec=SPEC, settings=None):
    return _resources(json.dumps(spec), json.dumps(settings))


SERVICE, JOB = "cloudrunv2/service:Service", "cloudrunv2/job:Job"


def container_of(inputs):
    template = inputs["template"].get("template", inputs["template"])
    return template["containers"][0]


def environment_of(inputs):
    return {e["name"]: e.get("value", e.get("valueSource")) for e in container_of(inputs)["envs"]}


@pytest.mark.parametrize("case", CASES)
def test_everything_descends_from_the_agent_and_nothing_secret_is_plain(case):
    plan, settings, recording = recording_of(*CASES[case])
    values = [stand_in(s) for s in plan.secrets if s.source not in ("existing", "generated")]
    assert [*descends_from_one(recording.resources), *unique(recording.resources)] == []
    assert list(no_plain_secret(recording.plain_texts, values)) == []
    types = {r.type for r in recording.resources}
    served = target.part_mappings(plan, settings)
    assert [s.part for s in served] == list(PARTS)
    assert [t for s in served for t in s.types if t not in types] == []


def test_importing_the_target_imports_no_sdk():
    code = "import sys, unmoor.targets.gcp_cloud_run, unmoor.targets.gcp_cloud_run.access; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not [m for m in done.stdout.split() if m.startswith("pulumi")]


def test_min_zero_scales_to_zero_and_pays_for_requests_only():
    inputs = inputs_of(resources_of(), SERVICE, "gateway")
    assert inputs["scaling"] == {"minInstanceCount": 0, "scalingMode": "AUTOMATIC"}
    assert inputs["template"]["scaling"] == {"maxInstanceCount": 2}
    assert container_of(inputs)["resources"] == {
        "cpuIdle": True,
        "limits": {"cpu": "1", "memory": "512Mi"},
        "startupCpuBoost": True,
    }


def test_a_mailbox_keeps_a_gateway_that_works_between_requests():
    inputs = inputs_of(resources_of(*CASES["everything"]), SERVICE, "gateway")
    assert inputs["scaling"]["minInstanceCount"] == 1
    assert container_of(inputs)["resources"]["cpuIdle"] is False


@pytest.mark.parametrize("case", CASES)
def test_services_and_jobs_can_be_deleted(case):
    kinds = ("cloudrunv2/service:Service", "cloudrunv2/job:Job")
    found = [r for r in resources_of(*CASES[case]) if r.type.removeprefix("gcp:") in kinds]
    assert found
    assert all(r.inputs["deletionProtection"] is False for r in found)


def test_each_run_is_a_task_that_google_never_repeats():
    inputs = inputs_of(resources_of(*CASES["everything"]), JOB, "run")
    task = inputs["template"]["template"]
    assert (inputs["template"]["taskCount"], inputs["template"]["parallelism"], task["maxRetries"]) == (1, 1, 0)
    assert task["timeout"] == "8100s"
    assert container_of(inputs)["resources"] == {"limits": {"cpu": "2", "memory": "4096Mi"}}
    assert task["volumes"] == [
        {"name": "temp", "emptyDir": {"medium": "MEMORY", "sizeLimit": "1024Mi"}},
        {"name": "work", "emptyDir": {"medium": "DISK", "sizeLimit": "10240Mi"}},
    ]
    assert inputs["launchStage"] == "BETA"


def test_no_run_is_cut_after_the_longest_task_by_asking_for_more():
    spec = SPEC | {"run": {"timeout": "7d"}}
    assert inputs_of(resources_of(spec), JOB, "run")["template"]["template"]["timeout"] == "604800s"


def test_a_disk_in_memory_is_added_to_the_memory():
    inputs = inputs_of(resources_of(SPEC, {"disk": "memory"}), JOB, "run")
    assert container_of(inputs)["resources"]["limits"] == {"cpu": "2", "memory": "6144Mi"}
    assert inputs["launchStage"] == "GA"


def test_the_gateway_is_told_how_to_start_runs():
    environment = environment_of(inputs_of(resources_of(), SERVICE, "gateway"))
    assert environment["UNMOOR_LAUNCHER"] == "cloud-run"
    assert environment["UNMOOR_SCHEDULER"] == "platform"
    assert json.loads(environment["UNMOOR_LAUNCHER_CONFIG"]) == {
        "container": "run",
        "job": "hello-prod-run",
        "project": "my-project",
        "region": "europe-west1",
    }


def test_runs_in_the_gateway_have_its_service_and_no_job():
    resources = resources_of(*CASES["process"])
    inputs = inputs_of(resources, SERVICE, "gateway")
    environment = environment_of(inputs)
    assert not [r for r in resources if r.type in ("gcp:cloudrunv2/job:Job", "gcp:cloudscheduler/job:Job")]
    assert (environment["UNMOOR_LAUNCHER"], environment["UNMOOR_SCHEDULER"]) == ("process", "gateway")
    assert environment["UNMOOR_GUARD_URL"].startswith("https://hello-prod-guard-")
    assert container_of(inputs)["resources"]["limits"] == {"cpu": "2", "memory": "6656Mi"}
    assert inputs_of(resources, "cloudrunv2/serviceIamMember:ServiceIamMember", "guard-caller")["member"] == (
        "serviceAccount:hello-prod-gateway@my-project.iam.gserviceaccount.com"
    )


def test_containers_name_the_version_of_a_secret():
    resources = resources_of(*CASES["everything"])
    gateway = environment_of(inputs_of(resources, SERVICE, "gateway"))
    guard = environment_of(inputs_of(resources, SERVICE, "guard"))
    assert gateway["UNMOOR_SECRET_MAIL"] == {
        "secretKeyRef": {"secret": "projects/other-project/secrets/mail", "version": "7"}
    }
    assert guard["UNMOOR_SECRET_ANTHROPIC_KEY"]["secretKeyRef"]["version"].isdigit()
    assert not [name for name in gateway if "ANTHROPIC" in name]


def test_another_value_of_a_secret_is_another_revision():
    one, other = (
        environment_of(inputs_of(resources_of(SPEC | {"secrets": {"anthropic-key": origin}}), SERVICE, "guard"))
        for origin in ({"env": "ONE"}, {"env": "OTHER"})
    )
    assert one["UNMOOR_SECRET_ANTHROPIC_KEY"] != other["UNMOOR_SECRET_ANTHROPIC_KEY"]


def test_a_schedule_starts_the_job_with_an_access_token():
    http = inputs_of(resources_of(*CASES["everything"]), "cloudscheduler/job:Job", "schedule-nightly")["httpTarget"]
    assert http["uri"] == (
        "https://run.googleapis.com/v2/projects/my-project/locations/europe-west1/jobs/hello-prod-run:run"
    )
    assert http["oauthToken"]["serviceAccountEmail"].startswith("hello-prod-schedules@")
    assert "oidcToken" not in http
    assert json.loads(base64.b64decode(http["body"])) == {
        "overrides": {"containerOverrides": [{"name": "run", "args": ["run", "--trigger", "nightly"]}]}
    }


def test_the_store_is_closed_versioned_and_emptied_by_age():
    bucket = inputs_of(resources_of(*CASES["everything"]), "storage/bucket:Bucket", "store")
    ages = {r["condition"]["matchesPrefixes"][0]: r["condition"]["age"] for r in bucket["lifecycleRules"][:6]}
    assert (bucket["publicAccessPrevention"], bucket["uniformBucketLevelAccess"]) == ("enforced", True)
    assert bucket["versioning"] == {"enabled": True}
    ages_of_runs = dict.fromkeys(("budget/", "deliveries/", "queue/outbox/", "runs/", "sessions/"), 60)
    assert ages == {**ages_of_runs, "queue/fired/": 2}


@pytest.mark.parametrize(("case", "kept"), [("minimal", True), ("process", False)])
def test_data_is_kept_unless_it_may_go(case, kept):
    resources = {(r.type, r.name): r for r in resources_of(*CASES[case])}
    bucket = resources["gcp:storage/bucket:Bucket", "hello-store"]
    logs = resources["gcp:logging/projectBucketConfig:ProjectBucketConfig", "hello-logs"]
    assert (bucket.retained, logs.retained, bucket.inputs["forceDestroy"]) == (kept, kept, not kept)


def test_the_bucket_is_named_for_its_project():
    names = {
        inputs_of(resources_of(SPEC, {"project": project}), "storage/bucket:Bucket", "store")["name"]
        for project in ("my-project", "other-project")
    }
    assert len(names) == 2


def test_logs_go_to_a_bucket_of_their_own():
    resources = resources_of(*CASES["everything"])
    sink = inputs_of(resources, "logging/projectSink:ProjectSink", "logs")
    assert inputs_of(resources, "logging/projectBucketConfig:ProjectBucketConfig", "logs")["retentionDays"] == 90
    assert sink["destination"] == (
        "logging.googleapis.com/projects/my-project/locations/europe-west1/buckets/hello-prod-logs-cb4a33e1"
    )
    for name in ("hello-prod-gateway", "hello-prod-guard", "hello-prod-run", "hello-prod-domain", "schedule-nightly"):
        assert name in sink["filter"]


def test_a_container_waits_for_its_rights():
    resources = {(r.type, r.name): r for r in resources_of()}
    waits = {name for _, name in resources["gcp:cloudrunv2/service:Service", "hello-gateway"].depends_on}
    assert {"hello-gateway-secret-gateway-token", "hello-gateway-start", "hello-gateway-store-change"} <= waits
