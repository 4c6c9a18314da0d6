"""Sizes on Container Apps: rounded up to what there is, and said."""

from __future__ import annotations

from decimal import Decimal

import pytest

from unmoor.spec.make_plan import make_plan
from unmoor.spec.models import Spec
from unmoor.targets.azure_container_apps import target
from unmoor.targets.azure_container_apps.container_sizes import guard_size, replica_of_gateway, replica_of_runs
from unmoor.targets.azure_container_apps.sizes import (
    Size,
    consumption_size,
    cpu_for_disk,
    dedicated_size,
    disk_mib,
    log_days,
)

SPEC = {
    "version": 1,
    "name": "hello",
    "harness": {"name": "claude-code"},
    "model": {"provider": "anthropic", "name": "claude-sonnet-5", "api_key": "anthropic-key"},
    "secrets": {"anthropic-key": {"env": "ANTHROPIC_API_KEY"}},
}


def size(cpu, memory_mib):
    return Size(cpu=Decimal(cpu), memory_mib=memory_mib)


GROUP = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/shared"
ENVIRONMENT = f"{GROUP}/providers/Microsoft.App/managedEnvironments/all"


def plan_of(**changes):
    return make_plan(Spec.model_validate(SPEC | changes), "prod")


def settings_of(**changes):
    return target.settings.model_validate({"location": "westeurope", **changes})


def roundings(plan, **settings):
    return [str(r) for r in target.adjustments(plan, settings_of(**settings))]


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        (("0.25", 512), ("0.25", 512)),
        (("0.1", 128), ("0.25", 512)),
        (("1.25", 2560), ("1.25", 2560)),
        (("1.26", 2560), ("1.50", 3072)),
        (("0.25", 2049), ("1.25", 2560)),
        (("4", 8192), ("4", 8192)),
    ],
)
def test_consumption_gives_the_cheapest_pair_that_holds_the_request(asked, given):
    assert consumption_size(size(*asked)) == size(*given)


@pytest.mark.parametrize("asked", [("4.01", 1024), ("1", 8193)])
def test_consumption_ends_at_four_processors_and_8_gib(asked):
    assert consumption_size(size(*asked)) is None


@pytest.mark.parametrize(
    ("asked", "machine", "given"),
    [
        (("8", 16384), "E16", ("8", 16384)),
        (("1.005", 1000), "D4", ("1.01", 1000)),
        (("5", 1024), "D4", None),
        (("4", 16385), "D4", None),
        (("4", 16385), "E4", ("4", 16385)),
    ],
)
def test_a_machine_holds_what_fits_into_it(asked, machine, given):
    assert dedicated_size(size(*asked), machine) == (size(*given) if given else None)


@pytest.mark.parametrize(
    ("cpu", "mebi"), [("0.25", 1024), ("0.5", 2048), ("0.75", 4096), ("1", 4096), ("1.25", 8192), ("4", 8192)]
)
def test_disk_comes_with_the_processors(cpu, mebi):
    assert disk_mib(Decimal(cpu)) == mebi


@pytest.mark.parametrize(("mebi", "cpu"), [(1024, "0.25"), (1025, "0.5"), (4097, "1.25"), (8192, "1.25"), (8193, None)])
def test_the_fewest_processors_for_a_disk(mebi, cpu):
    assert cpu_for_disk(mebi) == (Decimal(cpu) if cpu else None)


@pytest.mark.parametrize(("seconds", "days"), [(1, 30), (30 * 86400, 30), (30 * 86400 + 1, 31), (730 * 86400, 730)])
def test_logs_are_kept_in_whole_days_30_at_least(seconds, days):
    assert log_days(seconds) == days


def test_logs_are_kept_for_two_years_at_most():
    assert log_days(730 * 86400 + 1) is None


def test_memory_is_written_in_gi():
    assert size("1.25", 2560).memory == "2.5Gi"
    assert size("1", 2048).memory == "2Gi"


def test_run_and_guard_share_the_grid():
    plan, settings = plan_of(), settings_of()
    assert replica_of_runs(plan, settings) == size("1.25", 2560)
    assert guard_size(plan) == size("0.25", 512)
    assert replica_of_gateway(plan, settings) == size("0.25", 512)


def test_runs_in_the_gateway_are_counted_with_it():
    plan = plan_of(run={"isolation": "process"})
    assert replica_of_gateway(plan, settings_of()) == size("1.5", 3072)


def test_a_profile_is_for_runs_and_not_for_the_gateway():
    plan = plan_of(resources={"cpu": 8, "memory": "24Gi"})
    settings = settings_of(workload_profile={"type": "E16"})
    assert replica_of_runs(plan, settings) == size("8.25", 25088)
    assert replica_of_gateway(plan, settings) == size("0.25", 512)


def test_what_is_given_as_asked_is_not_rounded():
    assert roundings(plan_of(resources={"cpu": 1, "memory": "2Gi", "disk": "8Gi"})) == []


def test_every_rounding_is_said():
    plan = plan_of(
        resources={"cpu": 1.1, "memory": "2Gi", "disk": "4Gi"},
        gateway={"cpu": 0.3, "memory": "512Mi"},
        retention={"runs": "90m", "logs": "14d"},
    )
    assert roundings(plan) == [
        "gateway: 0.3 vCPU and 512Mi including sidecars becomes 0.5 and 1Gi; the next size that Container Apps has",
        "resources: 1.35 vCPU and 2560Mi including sidecars becomes 1.5 and 3Gi; the next size that Container Apps has",
        "resources.disk: 4Gi becomes 8Gi; disk comes with the processors",
        "retention.logs: 14d becomes 30d; Log Analytics counts whole days, at least 30",
        "retention.runs: 90m becomes 1d; Blob storage counts whole days",
    ]


HOOK = {"name": "hook", "webhook": {"verify": {"scheme": "github", "secret": "hook"}}, "prompt": "go"}
SECRETS = {**SPEC["secrets"], "hook": {"env": "HOOK"}}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"run": {"isolation": "process"}}, "runs are processes in it"),
        (
            {"triggers": [HOOK], "secrets": SECRETS},
            "a start takes about 22 s, and senders of webhooks give up after 3 to 10 s",
        ),
    ],
)
def test_a_gateway_that_must_work_unasked_or_at_once_is_kept(changes, why):
    [said] = [r for r in roundings(plan_of(**changes)) if r.startswith("gateway.min")]
    assert said == f"gateway.min: 0 becomes 1; {why}"


def test_a_shared_environment_keeps_its_logs_as_long_as_it_likes():
    [said] = [r for r in roundings(plan_of(), environment_id=ENVIRONMENT) if r.startswith("retention.logs")]
    assert said == "retention.logs: 30d becomes the environment's; logs go where the shared environment sends them"
