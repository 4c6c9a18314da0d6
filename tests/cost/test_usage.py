"""How much an agent is used, as it is stated."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from unmoor.cost import workload
from unmoor.plan import Schedule
from unmoor.pricing.usage import NIGHT, OFFICE, Usage, parse_day_shape, runs_a_month
from unmoor.spec.load import load

D = Decimal
EXAMPLES = Path(__file__).parents[2] / "examples"


def test_runs_are_counted_by_the_month_of_730_hours() -> None:
    assert [runs_a_month(t) for t in ("200/month", "200", 200, "2/hour", "12/day")] == [200, 200, 200, 1460, 365]


@pytest.mark.parametrize("text", ["many", "-1", "1/year", "", "1e99", "nan", "1.2.3"])
def test_what_is_no_number_of_runs_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match="; write one "):
        runs_a_month(text)


def test_a_days_shape_is_a_name_or_24_numbers() -> None:
    assert parse_day_shape("night") == NIGHT
    assert parse_day_shape([1] * 24) == (1,) * 24
    for wrong in ("noon", [1] * 23, [0] * 24, {"a": 1}):
        with pytest.raises(ValueError, match="is not a day's shape"):
            parse_day_shape(wrong)


def test_the_busiest_hour_says_how_many_runs_go_at_once() -> None:
    usage = Usage(runs=D(7300), minutes=D(30))
    assert usage.most_at_once == 5
    assert round(Usage(runs=D(7300), minutes=D(30), day=OFFICE).most_at_once, 6) == 12


def test_every_part_of_a_use_is_stated_with_where_it_is_from() -> None:
    stated = dict(Usage().with_overrides({"runs": D(1200)}, "--runs").assumptions())
    assert stated["1,200 runs a month"] == "--runs"
    assert stated["0.2 s a request"] == "assumed"
    assert len(stated) == 14


def test_something_that_sleeps_is_awake_no_longer_than_an_hour_has() -> None:
    usage = Usage(runs=D(730), day=OFFICE)
    assert round(workload.awake_seconds(usage, a_run=D(600), a_request=D(0))) == 438000
    assert round(workload.awake_seconds(usage, a_run=D(6000), a_request=D(0))) == 365 * 3000
    assert workload.awake_seconds(Usage(runs=D(0), other_requests=D(73)), a_run=D(0), a_request=D(300)) == 21900


def test_each_run_is_billed_for_the_least_that_there_is() -> None:
    usage = Usage(runs=D(10), minutes=D("0.5"), start_seconds=D(10))
    assert [workload.run_seconds(usage), workload.run_seconds(usage, least=60)] == [400, 600]


@pytest.mark.parametrize(
    ("cron", "times"),
    [("0 3 * * *", 30), ("*/5 * * * *", 8760), ("0 3 * * 1-5", 22), ("0 0 1 * *", 1), ("0 0 1 * 1", 5)],
)
def test_a_schedules_firings_are_counted(cron: str, times: int) -> None:
    schedule = Schedule(name="s", prompt="p", cron=cron, timezone="UTC", missed="skip")
    assert round(workload.scheduled_runs([schedule])) == times


def test_a_cap_adds_three_writes_for_each_call_of_the_model() -> None:
    plan, usage = load(EXAMPLES / "01-hello").plan, Usage(runs=D(1), minutes=D(0), model_calls=D(7))
    capped = replace(plan, budget_per_day_usd=D(1))
    assert workload.store_writes(capped, usage) - workload.store_writes(plan, usage) == 21
    assert workload.store_reads(capped, usage) == workload.store_reads(plan, usage)


def test_replies_are_looked_for_as_often_as_the_queue() -> None:
    plan = load(EXAMPLES / "04-inbox").plan
    assert workload.idle_looks(plan, D(3000)) == 20
    assert workload.idle_looks(replace(plan, mailboxes=()), D(3000)) == 10
