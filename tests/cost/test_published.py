"""The vendors' own worked examples, to the cent, with their inputs."""

from __future__ import annotations

from decimal import Decimal

import pytest
from books import D, lines_of

from unmoor.cost.common_uses import compute_uses
from unmoor.pricing.line import CostLine, UsageItem, total
from unmoor.pricing.price_book_file import load_price_book
from unmoor.pricing.pricer import Pricer
from unmoor.pricing.usage import Usage

CENT = D("0.01")


def amounts(lines: list[CostLine], *ids: str) -> list[Decimal]:
    found = {line.price.id: line.amount for line in lines if line.price and line.part == "run"}
    return [amount.quantize(CENT) for id in ids if (amount := found[id]) is not None]


@pytest.mark.parametrize(
    ("arch", "parts", "exact"),
    [("amd64", ["1.01", "0.22", "0.03"], "1.26"), ("arm64", ["0.81", "0.18", "0.03"], "1.02")],
)
def test_fargates_five_tasks_of_ten_minutes_a_day(arch: str, parts: list[str], exact: str) -> None:
    """https://aws.amazon.com/fargate/pricing/: 5 tasks a day of 10 minutes for 30 days, 1 vCPU, 2 GB, 30 GB of disk.

    150 tasks x 600 s = 25 h: 25 vCPU-hours, 50 GB-hours, and 250 GB-hours of disk above the 20 GB that are included.
    """
    usage = Usage(runs=D(150), minutes=D(10), start_seconds=D(0))
    resources = {"cpu": 1, "memory": "1536Mi", "disk": "30Gi", "arch": arch}
    lines = lines_of("aws-ecs", {"region": "us-east-1"}, usage, resources=resources)
    ids = (f"task-{arch}-cpu", f"task-{arch}-memory", "task-disk")
    assert amounts(lines, *ids) == [D(p) for p in parts]
    task = [line for line in lines if line.price and line.price.id in ids and line.part == "run"]
    assert total(task).known.quantize(CENT) == D(exact)


def test_container_apps_ten_million_requests() -> None:
    """Microsoft's rules: 10M requests of 0.8 s at 0.5 vCPU and 1 GiB, less what a subscription has free.

    (4,000,000 - 180,000) x 0.000024 + (8,000,000 - 360,000) x 0.000003 + (10 - 2) x 0.40 = 91.68 + 22.92 + 3.20.
    """
    prices = Pricer(book=load_price_book("unmoor.targets.azure_container_apps.cost"))
    uses = compute_uses("run", "runs", "replicas", rate="active", cpu=D("0.5"), mib=1024, seconds=D(8_000_000))
    requests = UsageItem("gateway", "runs", "requests", "request", D(10_000_000), "request")
    lines = prices.lines([*uses, requests], "eastus")
    assert [line.amount for line in lines] == [D("91.68"), D("22.92"), D("3.20")]
    assert total(lines).known == D("117.80")


def test_container_apps_ten_million_executions_of_a_job_are_the_same() -> None:
    """The same replicas as jobs: the run's quarter of a processor and 512 MiB, and the guard's."""
    usage = Usage(runs=D(10_000_000), minutes=D("0.8") / 60, start_seconds=D(0), requests=D(0))
    lines = lines_of(
        "azure-container-apps",
        {"location": "eastus"},
        usage,
        resources={"cpu": D("0.25"), "memory": "512Mi", "disk": "1Gi"},
    )
    assert amounts(lines, "active-cpu", "active-memory") == [D("91.68"), D("22.92")]


def test_container_apps_kept_and_idle_for_a_month() -> None:
    """A replica of half a processor and 1 GiB that is kept for 730 h and serves nothing, without what is free:

    2,628,000 s x (0.5 x 0.000003 + 1 x 0.000003) = 11.826.
    """
    prices = Pricer(book=load_price_book("unmoor.targets.azure_container_apps.cost"), free_tier=False)
    uses = compute_uses("gateway", "fixed", "kept", rate="idle", cpu=D("0.5"), mib=1024, seconds=D(2_628_000))
    assert total(prices.lines(uses, "eastus")).known == D("11.826")
