"""Cloud Run's sizes, and what is said of those that are rounded."""

from __future__ import annotations

from decimal import Decimal

import pytest

from unmoor.plan import ImageReference
from unmoor.spec.make_plan import make_plan
from unmoor.spec.models import Spec
from unmoor.targets.gcp_cloud_run import target
from unmoor.targets.gcp_cloud_run.registries import is_pulled_directly
from unmoor.targets.gcp_cloud_run.sizes import (
    MEMORY_MIB,
    Size,
    cloud_run_size,
    disk_gib,
    log_days,
    one_request_size,
)

SPEC = {"version": 1, "name": "hello", "harness": {"name": "command", "command": ["cat"]}}
GATEWAY = "gateway: 0.25 vCPU and 512Mi in all becomes 1 and 512Mi; the next size that Cloud Run has"
GUARD = (
    "guard: 0.25 vCPU and 512Mi for the streams of several runs becomes 0.125 and 512Mi for each run; a run has a guard "
    "of its own"
)
DISK = "resources.disk: 4Gi becomes 10Gi; a disk has whole Gi, at least 10"


def roundings(settings=None, **changes):
    plan = make_plan(Spec.model_validate(SPEC | changes), "prod")
    chosen = {"project": "my-project", "region": "europe-west1"} | (settings or {})
    return [str(r) for r in target.adjustments(plan, target.settings.model_validate(chosen))]


@pytest.mark.parametrize(
    ("cpu", "memory_mib", "size"),
    [
        ("0.25", 128, Size(cpu=1, memory_mib=512)),
        ("1", 512, Size(cpu=1, memory_mib=512)),
        ("1", 4096, Size(cpu=1, memory_mib=4096)),
        ("1", 4097, Size(cpu=2, memory_mib=4097)),
        ("1.25", 2560, Size(cpu=2, memory_mib=2560)),
        ("2.5", 1024, Size(cpu=4, memory_mib=2048)),
        ("5", 1024, Size(cpu=6, memory_mib=4096)),
        ("1", 16385, Size(cpu=6, memory_mib=16385)),
        ("6.5", 4096, Size(cpu=8, memory_mib=4096)),
        ("8", 32768, Size(cpu=8, memory_mib=32768)),
        ("8", 32769, None),
        ("8.25", 512, None),
    ],
)
def test_the_cheapest_size_that_holds_it(cpu, memory_mib, size):
    assert cloud_run_size(Decimal(cpu), memory_mib) == size


@pytest.mark.parametrize(
    ("cpu", "memory_mib", "size", "limits"),
    [
        ("0.125", 512, Size(cpu=Decimal("0.125"), memory_mib=512), {"cpu": "125m", "memory": "512Mi"}),
        ("0.01", 64, Size(cpu=Decimal("0.08"), memory_mib=128), {"cpu": "80m", "memory": "128Mi"}),
        ("0.1234", 256, Size(cpu=Decimal("0.124"), memory_mib=256), {"cpu": "124m", "memory": "256Mi"}),
        ("0.125", 513, Size(cpu=Decimal("0.5"), memory_mib=513), {"cpu": "500m", "memory": "513Mi"}),
        ("0.125", 1025, Size(cpu=1, memory_mib=1025), {"cpu": "1", "memory": "1025Mi"}),
        ("1", 512, Size(cpu=1, memory_mib=512), {"cpu": "1", "memory": "512Mi"}),
    ],
)
def test_an_instance_for_one_request_has_a_fraction_of_a_processor(cpu, memory_mib, size, limits):
    assert one_request_size(Decimal(cpu), memory_mib) == size
    assert size.limits == limits


def test_every_size_is_one_that_the_service_takes():
    assert set(MEMORY_MIB) == {1, 2, 4, 6, 8}
    for cpu, (least, most) in MEMORY_MIB.items():
        assert least >= 512
        assert cloud_run_size(Decimal(cpu), most) == Size(cpu=cpu, memory_mib=most)


@pytest.mark.parametrize(("mib", "gib"), [(1, 10), (4096, 10), (10240, 10), (10241, 11), (20480, 20)])
def test_a_disk_has_whole_gib_and_ten_at_least(mib, gib):
    assert disk_gib(mib) == gib


@pytest.mark.parametrize(("seconds", "whole"), [(1, 1), (86400, 1), (86401, 2), (30 * 86400, 30)])
def test_days_are_rounded_up(seconds, whole):
    assert log_days(seconds) == whole


def test_logs_are_kept_for_ten_years_at_most():
    assert log_days(3650 * 86400) == 3650
    assert log_days(3650 * 86400 + 1) is None


def test_the_defaults_are_rounded_and_said():
    assert roundings() == [GATEWAY, GUARD, DISK]


def test_what_fits_is_not_spoken_of():
    gateway = {"cpu": 1, "memory": "512Mi"}
    assert roundings(gateway=gateway, resources={"cpu": 2, "memory": "4Gi", "disk": "10Gi"}) == [GUARD]


def test_a_disk_in_memory_is_part_of_the_size():
    said = "resources: 1 vCPU and 6Gi in all becomes 2 and 6Gi; the next size that Cloud Run has"
    assert roundings({"disk": "memory"}) == [said, GATEWAY, GUARD]


def test_runs_in_the_gateway_keep_one_and_share_its_container():
    assert roundings(run={"isolation": "process"}) == [
        "gateway: 1.25 vCPU and 2560Mi in all becomes 2 and 2560Mi; the next size that Cloud Run has",
        GUARD,
        DISK,
        "gateway.min: 0 becomes 1; runs are processes in it",
    ]


def test_a_mailbox_keeps_one_gateway():
    inbox = {
        "name": "inbox",
        "email": {"imap": "imap.example.com", "user": "bot", "password": "mail", "allow_from": ["*@example.com"]},
        "prompt": "answer",
    }
    said = roundings(triggers=[inbox], secrets={"mail": {"env": "MAIL"}})
    assert said[-1] == "gateway.min: 0 becomes 1; a sleeping gateway reads no mailbox"


def test_retention_is_counted_in_days():
    assert roundings(retention={"runs": "36h", "logs": "1h"})[-2:] == [
        "retention.logs: 1h becomes 1d; Cloud Logging counts whole days",
        "retention.runs: 36h becomes 2d; Cloud Storage counts whole days",
    ]


@pytest.mark.parametrize(
    ("reference", "registry", "direct"),
    [
        ("agent:1", "docker.io", True),
        ("example/agent", "docker.io", True),
        ("docker.io/example/agent", "docker.io", True),
        ("gcr.io/p/agent", "gcr.io", True),
        ("eu.gcr.io/p/agent", "eu.gcr.io", True),
        ("europe-west1-docker.pkg.dev/p/r/agent@sha256:00", "europe-west1-docker.pkg.dev", True),
        ("ghcr.io/example/agent:1", "ghcr.io", False),
        ("registry.example.com:5000/agent", "registry.example.com:5000", False),
        ("public.ecr.aws/x/agent", "public.ecr.aws", False),
    ],
)
def test_only_some_registries_are_pulled_from_directly(reference, registry, direct):
    assert (ImageReference(reference=reference).registry, is_pulled_directly(ImageReference(reference=reference))) == (
        registry,
        direct,
    )
