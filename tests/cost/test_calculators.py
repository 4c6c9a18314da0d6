"""Each target's calculator against a case that is worked by hand, and what holds for all of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from books import D, lines_of, use
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from unmoor.pricing.line import CostLine, total
from unmoor.pricing.price_book_file import load_price_book
from unmoor.pricing.pricer import Pricer
from unmoor.pricing.usage import Usage
from unmoor.target.registry import load

CENT = D("0.01")
# 100 runs of 9.5 minutes that take half a minute to start: 60,000 s in all, 57,000 s of them at work.
HUNDRED = Usage(
    runs=D(100),
    minutes=D("9.5"),
    start_seconds=D(30),
    requests=D(10),
    artifacts_mib=D(0),
    logs_mib=D(0),
    egress_mib=D(0),
)
SETTINGS: dict[str, dict[str, Any]] = {
    "aws-ecs": {"region": "us-east-1"},
    "azure-container-apps": {"location": "eastus"},
    "gcp-cloud-run": {"project": "my-project", "region": "us-central1"},
    "vm-docker": {"host": "local", "machine": "t3.large"},
}
TARGETS = sorted(SETTINGS)
MODEL: dict[str, Any] = {
    "model": {"provider": "anthropic", "name": "claude-sonnet-4-5", "api_key": "model-key"},
    "secrets": {"model-key": {"env": "MODEL_KEY"}},
}
SUBNET = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/n"
    "/subnets/s"
)


def bill(target: str, usage: Usage = HUNDRED, settings: dict[str, Any] | None = None, **more: Any) -> list[CostLine]:
    return lines_of(target, {**SETTINGS[target], **(settings or {})}, usage, **more)


def cents(lines: list[CostLine], *parts: str) -> Decimal:
    return total(line for line in lines if not parts or line.part in parts).known.quantize(CENT)


def kinds(lines: list[CostLine]) -> dict[str, Decimal]:
    return {f"{line.part} {line.what}": line.amount for line in lines if line.amount is not None}


def test_fargate_by_hand() -> None:
    """Gateway 256/512, always there: 730 x (0.25 x 0.04048 + 0.5 x 0.004445 + 0.005 of address) = 12.660025.

    Front: 1000 requests at 1.00 a million = 0.001, and 0.50 for the zone. Runs of 1024/3072, 16.667 h:
    16.667 x (0.04048 + 3 x 0.004445 + 0.005) = 0.98025. A secret 0.40; an image of 1 GiB 0.10. The store: looked into
    every 300 s, 8,760 times, and 100 x (22 + 9.5 x 1.6) = 3,720 objects written, at 0.005 a thousand = 0.0624; 1,190
    read = 0.000476. Two alarms 0.20. In all 14.904151.
    """
    lines = bill("aws-ecs", free_tier=False)
    assert cents(lines, "gateway") == D("13.36")
    assert cents(lines, "run") == D("0.98")
    assert cents(lines) == D("14.90")


def test_container_apps_by_hand() -> None:
    """A gateway of 0.25/0.5 that sleeps: each run wakes it twice for 300 s and 2 s of requests, 60,200 s in all:

    15,050 x 0.000024 + 30,100 x 0.000003 = 0.4515, and 1000 requests at 0.40 a million = 0.0004. Runs of 1.25/2.5 as
    jobs: 75,000 x 0.000024 + 150,000 x 0.000003 = 2.25. Registry 30.417 x 0.1666 = 5.067417. The store: looked into
    60,200/15 = 4,013 times, 3,720 objects written, at 0.05 for ten thousand = 0.038667; 1,190 read = 0.000476.
    In all 7.808460.
    """
    lines = bill("azure-container-apps", free_tier=False)
    assert cents(lines, "gateway") == D("0.45")
    assert cents(lines, "run") == D("2.25")
    assert cents(lines) == D("7.81")


def test_cloud_run_by_hand() -> None:
    """A gateway of 1/0.5 serves 10 requests of 0.2 s a run and starts twice in 5 s: 1,200 s by the request:

    1,200 x 0.000024 + 600 x 0.0000025 = 0.0303, and 1000 requests = 0.0004. Runs of 1/2 as jobs, 60,000 s by the
    instance: 60,000 x 0.000018 + 120,000 x 0.000002 = 1.32. An agent with no model uses no guard: 0.125/0.5 for
    15 s of each, 0.0045 + 0.001875. A secret 0.06; an image of 1 GiB 0.10. The store: 13 looks and 3,720 objects
    written at 0.05 for ten thousand = 0.018667; 1,190 read 0.000476. A disk of 10 GiB, 166.667 GiB-hours at
    0.000109589 = 0.018265. In all 1.554483.
    """
    lines = bill("gcp-cloud-run", free_tier=False)
    assert cents(lines, "gateway") == D("0.03")
    assert cents(lines, "guard") == D("0.01")
    assert cents(lines) == D("1.55")
    # With a model, 57,500 s by the request: 0.1725 + 0.071875, and 6,000 requests = 0.0024.
    assert cents(bill("gcp-cloud-run", free_tier=False, **MODEL), "guard") == D("0.25")


def test_cloud_run_charges_for_logs_twice_and_for_what_was_deleted_two_weeks_more() -> None:
    lines = bill("gcp-cloud-run", Usage(runs=D(100), logs_mib=D(1024), artifacts_mib=D(0)), free_tier=False)
    assert [line.quantity for line in lines if line.part == "logs" and line.quantity] == [D(100), D(100)]
    [kept] = [line for line in lines if (line.part, line.what) == ("store", "kept")]
    assert kept.quantity.quantize(CENT) == (D(100) * 44 * 86400 / (730 * 3600)).quantize(CENT)
    assert total(lines).is_complete


@pytest.mark.parametrize(
    ("target", "cpu", "gib", "most"),
    # A replica of Container Apps grows by a quarter of a processor and half a GiB at least: a quarter of this run.
    [
        ("aws-ecs", "1", "3", "0.10"),
        ("azure-container-apps", "1.25", "2.5", "0.25"),
        ("gcp-cloud-run", "1", "2", "0.25"),
    ],
)
def test_the_guard_costs_a_bounded_share_of_a_bare_run(target: str, cpu: str, gib: str, most: str) -> None:
    """A bare run has 1 vCPU and 2 GiB; with its guard beside it, it is billed for `cpu` and `gib`."""
    lines = bill(target, Usage(runs=D(300), minutes=D(60), start_seconds=D(30)), free_tier=False, **MODEL)
    computed = [line for line in lines if line.part in ("run", "guard") and ": " in line.what]
    amounts = {(line.part, line.what.split(": ")[1]): line.amount or D(0) for line in computed}
    bare = amounts["run", "processors"] / D(cpu) + amounts["run", "memory"] * 2 / D(gib)
    with_guard = sum(amount for (_, what), amount in amounts.items() if what in ("processors", "memory"))
    assert bare * D("1.01") < with_guard <= bare * (1 + D(most))


def test_a_machine_by_hand() -> None:
    """t3.large 730 x 0.0832 = 60.736; a disk of 8 for its system, 3 for images and 4 x 4 GiB for runs, 27 x 0.08 = 2.16;

    an address 3.65; nothing sent. In all 66.546. It has 8 GiB: 0.56 for itself, 2 x 0.5 for gateways, 0.5 for guard and
    launcher each, and 2 GiB for each run, so 2 of 4 runs have room at one time.
    """
    lines = bill("vm-docker")
    assert cents(lines) == D("66.55")
    assert lines[0].note == "t3.large: 2 processors, 8Gi, room for 2 of 4 runs at one time"


def test_a_machine_that_is_not_named_is_the_cheapest_that_the_agent_fits_on() -> None:
    [line, *_] = lines_of("vm-docker", {"host": "local"}, HUNDRED)
    assert line.what == "e2-standard-4"
    assert line.note == (
        "e2-standard-4, the cheapest of the table that the agent fits on: 4 processors, 16Gi, 1 such agent fits, "
        "4 runs each at one time"
    )
    [line, *_] = lines_of("vm-docker", {"host": "local"}, HUNDRED, run={"max_concurrent": 1})
    assert line.what == "e2-standard-2"


def test_a_machines_given_price_is_all_there_is() -> None:
    [line] = bill("vm-docker", settings={"machine_usd_month": D(40)})
    assert (line.amount, line.what) == (40, "t3.large")


def test_a_machine_that_is_not_in_the_table_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"'t3.huge' is not a known machine; write one of t4g.nano, "):
        bill("vm-docker", settings={"machine": "t3.huge"})


def test_no_machine_of_the_table_is_large_enough() -> None:
    [line] = lines_of("vm-docker", {"host": "local"}, HUNDRED, run={"max_concurrent": 64})
    assert line.amount is None
    assert line.unknown == "no amd64 machine of the table has the 130Gi that the agent may use"


def test_a_task_is_billed_for_a_minute_at_least() -> None:
    short = Usage(runs=D(60), minutes=D("0.1"), start_seconds=D(0))
    for target in ("aws-ecs", "gcp-cloud-run"):
        [cpu] = [line for line in bill(target, short) if line.part == "run" and line.what.endswith("processors")]
        assert round(cpu.quantity * (3600 if cpu.unit == "vCPU-hour" else 1)) == 3600


def test_a_balancer_has_a_floor_and_an_http_api_none() -> None:
    domain = {"network": {"domain": "agent.example.com"}}
    certificate = "arn:aws:acm:us-east-1:123456789012:certificate/00000000-0000-0000-0000-000000000000"
    lines = kinds(bill("aws-ecs", settings={"front": "alb", "certificate": certificate}, **domain))
    assert lines["gateway load balancer"] == D("16.425")
    assert lines["gateway its addresses"] == D("7.3")
    # 1000 requests are 0.0111 units by their connections, and 0.0191 by the 20 KiB that each is answered with.
    assert lines["gateway its capacity units"].quantize(D("0.000001")) == D("0.000153")
    assert "gateway requests of the HTTP API" not in lines


def test_runs_inside_the_gateway_keep_one_and_have_no_tasks_of_their_own() -> None:
    for target in ("aws-ecs", "azure-container-apps", "gcp-cloud-run"):
        lines = bill(target, run={"isolation": "process"})
        assert "run" not in {line.part for line in lines}
        assert total(lines, "fixed").known > 3


def test_a_kept_replica_is_idle_while_it_serves_nothing() -> None:
    """2,628,000 s of 0.25/0.5, of which 200 s serve: (0.25 + 0.5) x 0.000003 x 2,627,800 = 5.91255 idle."""
    lines = kinds(bill("azure-container-apps", gateway={"min": 1}, free_tier=False))
    idle = lines["gateway 1 kept, idle: processors"] + lines["gateway 1 kept, idle: memory"]
    assert idle.quantize(CENT) == D("5.91")


def test_a_region_without_prices_says_which_it_lacks() -> None:
    lines = bill("azure-container-apps", settings={"location": "centralus"})
    assert "no price of store-write in centralus, only in eastus, uksouth, westeurope" in total(lines).missing
    assert total(lines, "runs").is_complete
    for location in ("westeurope", "uksouth"):
        assert total(bill("azure-container-apps", settings={"location": location})).is_complete
    assert total(bill("aws-ecs", settings={"region": "eu-west-1"})).is_complete


def test_what_is_kept_in_west_europe_has_a_price_up_to_50_tb() -> None:
    """100 x 0.0196 = 1.96; what more than 51,200 of them cost there has no source."""
    prices = Pricer(book=load_price_book(load("azure-container-apps").cost_by.split(":")[0]))
    [some], [many] = (prices.lines([use(D(kept), "GiB-month", "store-kept")], "westeurope") for kept in (100, 60_000))
    assert some.amount == D("1.96")
    assert many.amount is None
    assert many.unknown


@pytest.mark.parametrize("target", ["azure-container-apps", "vm-docker"])
def test_what_leaves_azure_costs_less_from_10335_gb_on(target: str) -> None:
    """20,000 of its GB: 100 are free, then 10,235 x 0.087 = 890.445 and 9,665 x 0.083 = 802.195, in all 1,692.64."""
    prices = Pricer(book=load_price_book(load(target).cost_by.split(":")[0]))
    book = prices.book.find("egress", "eastus")
    assert book is not None
    [line] = prices.lines([use(D(20_000), book.unit, "egress")], "eastus")
    assert line.amount == D("1692.64")


@pytest.mark.parametrize("target", TARGETS)
def test_an_agent_that_is_not_used_costs_its_floor(target: str) -> None:
    lines = bill(target, Usage(runs=D(0)))
    assert {line.kind for line in lines} == {"fixed"}


# What has no source yet, and is said to be lacking.
WITHOUT_A_PRICE = {
    "azure-container-apps": {"subnet", "store-zones"},
    "aws-ecs": {"insights"},
}
EVERYTHING_ASKED: dict[str, dict[str, Any]] = {
    "aws-ecs": {
        "container_insights": True,
        "vpc": "vpc-0123456789abcdef0",
        "subnets": ["subnet-01234567", "subnet-12345678"],
        "assign_public_ip": False,
    },
    "azure-container-apps": {
        "workload_profile": {"type": "D4"},
        "zone_redundant": True,
        "infrastructure_subnet_id": SUBNET,
    },
    "gcp-cloud-run": {"static_address": True},
    "vm-docker": {},
}


@pytest.mark.parametrize("target", TARGETS)
def test_what_a_calculator_asks_for_is_in_its_book_or_known_to_be_lacking(target: str) -> None:
    """In the regions of the books, for every form that a plan can take: a misspelt id would be lacking too."""
    night = [{"name": "night", "schedule": {"cron": "0 3 * * *"}, "prompt": "p"}]
    forms: list[dict[str, Any]] = [{}, {"run": {"isolation": "process"}}, {"gateway": {"min": 1}}, {"triggers": night}]
    bills = [bill(target, Usage(), settings, **form) for settings in ({}, EVERYTHING_ASKED[target]) for form in forms]
    reasons = {reason for lines in bills for reason in total(lines).missing}
    known = WITHOUT_A_PRICE.get(target, set())
    assert {reason.split(" in ")[0].removeprefix("no price of ") for reason in reasons} <= known


RUNS = st.integers(min_value=0, max_value=200_000)
MINUTES = st.integers(min_value=1, max_value=600)


@pytest.mark.parametrize("target", TARGETS)
@given(runs=RUNS, more=RUNS, minutes=MINUTES, free=st.booleans())
def test_more_runs_never_cost_less(target: str, runs: int, more: int, minutes: int, free: bool) -> None:
    few, many = (total(bill(target, Usage(runs=D(n), minutes=D(minutes)), free_tier=free)) for n in (runs, runs + more))
    if few.missing == many.missing:
        assert 0 <= few.known <= many.known + CENT / 1000


@pytest.mark.parametrize("target", TARGETS)
@given(minutes=MINUTES, more=MINUTES)
def test_longer_runs_never_cost_less(target: str, minutes: int, more: int) -> None:
    short, long = (total(bill(target, Usage(minutes=D(m)))).known for m in (minutes, minutes + more))
    assert short <= long + CENT / 1000


@pytest.mark.parametrize("target", TARGETS)
@given(runs=st.integers(min_value=1, max_value=1000))
def test_what_is_free_never_makes_a_line_negative(target: str, runs: int) -> None:
    with_free, without = (bill(target, Usage(runs=D(runs)), free_tier=free) for free in (True, False))
    assert all(line.amount is None or line.amount >= 0 for line in with_free)
    assert total(with_free).known <= total(without).known


@pytest.mark.parametrize("target", TARGETS)
@given(runs=st.integers(min_value=200, max_value=1000))
def test_cost_is_linear_above_the_tiers(target: str, runs: int) -> None:
    """With an hour's runs in less than an hour, the same number of runs more adds the same money."""
    first, second, third = (
        total(bill(target, Usage(runs=D(runs * n), minutes=D(1)), free_tier=False)).known for n in (1, 2, 3)
    )
    assert abs((third - second) - (second - first)) < CENT / 1000
