"""How Cloud Run is reached, what it sends through, and where its image comes from, as recorded without an engine."""

from __future__ import annotations

import json
from functools import cache

import pytest

from unmoor.recording.of_target import graph_of, record_target
from unmoor.spec.make_plan import make_plan
from unmoor.spec.models import Spec
from unmoor.targets.gcp_cloud_run import target

pytestmark = pytest.mark.slow

SPEC = {
    "version": 1,
    "name": "hello",
    "harness": {"name": "claude-code"},
    "model": {"provider": "anthropic", "name": "claude-sonnet-5", "api_key": "anthropic-key"},
    "secrets": {"anthropic-key": {"env": "ANTHROPIC_API_KEY"}},
}
DOMAIN = SPEC | {"network": {"domain": "agent.example.com"}}
NIGHTLY = {"name": "nightly", "schedule": {"cron": "0 3 * * *"}, "prompt": "go"}
PLACE = {"project": "my-project", "region": "europe-west1"}
OWN_NETWORK = {"network": "projects/host-project/global/networks/shared", "subnetwork": "runs"}
SERVICE, JOB = "cloudrunv2/service:Service", "cloudrunv2/job:Job"


def built(spec, settings):
    """A plan and the settings that its graph is made with; Cloud Run takes them."""
    plan, chosen = make_plan(Spec.model_validate(spec), "prod"), target.settings.model_validate(PLACE | settings)
    assert target.check(plan, chosen) == []
    return plan, chosen


@cache
def _resources(spec, settings):
    return graph_of(target, *built(json.loads(spec), json.loads(settings)))


def resources_of(spec=SPEC, settings=None):
    """Each graph is recorded once."""
    return _resources(json.dumps(spec), json.dumps(settings or {}))


def inputs_of(resources, type_, role):
    return next(r for r in resources if r.type == f"gcp:{type_}" and r.name == f"hello-{role}").inputs


def test_a_domain_is_the_one_door():
    resources = resources_of(DOMAIN, {"dns_zone": "projects/dns-project/managedZones/example-com"})
    record = inputs_of(resources, "dns/recordSet:RecordSet", "domain")
    redirect = inputs_of(resources, "compute/uRLMap:URLMap", "redirect")
    assert inputs_of(resources, SERVICE, "gateway")["ingress"] == "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER"
    assert (record["project"], record["managedZone"], record["name"]) == (
        "dns-project",
        "example-com",
        "agent.example.com.",
    )
    assert redirect["defaultUrlRedirect"]["httpsRedirect"] is True
    assert "defaultService" not in redirect
    assert record_target(target, *built(DOMAIN, {})).outputs["url"] == "https://agent.example.com"


def test_another_domain_has_a_certificate_of_another_name():
    kind = "compute/managedSslCertificate:ManagedSslCertificate"
    names = {
        inputs_of(resources_of(SPEC | {"network": {"domain": domain}}), kind, "domain")["name"]
        for domain in ("one.example.com", "other.example.com")
    }
    assert len(names) == 2


@pytest.mark.parametrize(("access", "disabled"), [("invoker_iam_disabled", True), ("all_users", False)])
def test_the_public_reaches_the_gateway_one_way_or_the_other(access, disabled):
    resources = resources_of(SPEC, {"public_access": access})
    members = [r.inputs["member"] for r in resources if r.type.endswith(":ServiceIamMember")]
    assert inputs_of(resources, SERVICE, "gateway")["invokerIamDisabled"] is disabled
    assert ("allUsers" in members) is not disabled
    assert inputs_of(resources, SERVICE, "guard")["invokerIamDisabled"] is False


def test_no_network_is_made_where_none_is_asked_for():
    resources = resources_of()
    assert not [r for r in resources if r.type.startswith("gcp:compute/")]
    assert "vpcAccess" not in inputs_of(resources, SERVICE, "gateway")["template"]


def test_everything_leaves_by_the_static_address():
    resources = resources_of(SPEC, {"static_address": True})
    nat = inputs_of(resources, "compute/routerNat:RouterNat", "egress")
    assert nat["natIpAllocateOption"] == "MANUAL_ONLY"
    assert len(nat["natIps"]) == 1
    for type_, role in ((SERVICE, "gateway"), (SERVICE, "guard")):
        assert inputs_of(resources, type_, role)["template"]["vpcAccess"]["egress"] == "ALL_TRAFFIC"
    assert inputs_of(resources, JOB, "run")["template"]["template"]["vpcAccess"]["egress"] == "ALL_TRAFFIC"


def test_an_existing_network_is_used_as_it_is():
    resources = resources_of(SPEC, OWN_NETWORK)
    assert not [r for r in resources if r.type.startswith("gcp:compute/")]
    assert inputs_of(resources, SERVICE, "gateway")["template"]["vpcAccess"] == {
        "egress": "PRIVATE_RANGES_ONLY",
        "networkInterfaces": [OWN_NETWORK],
    }
    nat = inputs_of(resources_of(SPEC, OWN_NETWORK | {"static_address": True}), "compute/routerNat:RouterNat", "egress")
    assert nat["subnetworks"][0]["name"] == "projects/my-project/regions/europe-west1/subnetworks/runs"


@pytest.mark.parametrize(
    ("image", "mode", "used"),
    [
        ("ghcr.io/example/agent:1", "REMOTE_REPOSITORY", "/hello-prod-image/example/agent:1"),
        ("europe-docker.pkg.dev/p/r/agent:1", None, "europe-docker.pkg.dev/p/r/agent:1"),
        (None, "STANDARD_REPOSITORY", "@sha256:"),
    ],
)
def test_the_image_comes_from_where_cloud_run_can_pull_it(image, mode, used):
    resources = resources_of(SPEC | ({"image": image} if image else {}))
    modes = [r.inputs["mode"] for r in resources if r.type == "gcp:artifactregistry/repository:Repository"]
    assert modes == ([mode] if mode else [])
    assert used in inputs_of(resources, JOB, "run")["template"]["template"]["containers"][0]["image"]


def test_labels_have_no_dots():
    labels = inputs_of(resources_of(), "storage/bucket:Bucket", "store")["labels"]
    assert labels["agent"] == "hello"
    assert "." not in "".join(labels.values())


@pytest.mark.parametrize(
    ("spec", "settings", "more"),
    [
        (SPEC, {}, set()),
        (DOMAIN, {"dns_zone": "example-com"}, {"compute", "dns"}),
        (SPEC | {"triggers": [NIGHTLY]}, {"static_address": True}, {"cloudscheduler", "compute"}),
        (SPEC | {"triggers": [NIGHTLY], "run": {"isolation": "process"}}, {}, set()),
    ],
)
def test_the_apis_that_are_needed_are_switched_on_and_never_off(spec, settings, more):
    found = [r.inputs for r in resources_of(spec, settings) if r.type == "gcp:projects/service:Service"]
    least = {"artifactregistry", "iam", "logging", "run", "secretmanager", "storage"}
    assert {i["service"].removesuffix(".googleapis.com") for i in found} == least | more
    assert all(i["disableOnDestroy"] is False for i in found)
