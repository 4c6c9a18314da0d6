"""What is read out of run records: how much an agent is used, and what its runs have cost."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from books import BASE, D
from forked import UNMOOR

from unmoor.cost.actual_costs import compute_pricer, group_spend, total_spend
from unmoor.cost.measured_usage import measure_usage
from unmoor.cost.quote import Quote
from unmoor.cost.run_records import runs_since
from unmoor.pricing.line import Total
from unmoor.pricing.price_book_file import load_price_book
from unmoor.pricing.pricer import Pricer
from unmoor.runtime.events import Tokens
from unmoor.runtime.state import keys
from unmoor.runtime.state.run_record import Artifact, RunRecord, to_json
from unmoor.runtime.store import Store, open_store
from unmoor.spec.make_plan import make_plan
from unmoor.spec.models import Spec
from unmoor.target.registry import load

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
TOKENS = Tokens(input=1000, cached_input=600, output=50)


def record(ago: timedelta, *, minutes: int = 10, trigger: str = "github", **more: Any) -> RunRecord:
    made = NOW - ago
    return RunRecord(
        **{
            "id": keys.run_id(made),
            "agent": "agent",
            "environment": "prod",
            "bundle": "0",
            "status": "succeeded",
            "trigger": trigger,
            "kind": "webhook",
            "prompt": "p",
            "session": "",
            "harness": "command",
            "harness_version": "none",
            "provider": "anthropic",
            "model": "claude-haiku-4-5",
            "created_at": made,
            "started_at": made,
            "ended_at": made + timedelta(minutes=minutes),
            "usage": TOKENS,
            "requests": 4,
            "cost_usd": D("0.10"),
        }
        | more
    )


def days(number: float) -> timedelta:
    return timedelta(days=number)


async def filled(url: str, *records: RunRecord) -> Store:
    store = open_store(url)
    for each in records:
        await store.put(keys.run_record_key(each.id), to_json(each))
    return store


def test_a_use_is_measured_since_the_first_run() -> None:
    records = [
        record(days(10)),
        record(days(5), minutes=20, artifacts=(Artifact(path="a", size_bytes=2**21, sha256=""),)),
    ]
    values, origin = measure_usage(records, NOW)
    assert origin == "measured: 2 runs in 10 days"
    assert round(values["runs"], 6) == round(D(2) * 730 / 240, 6)
    assert (values["minutes"], values["artifacts_mib"]) == (15, 1)
    assert (values["model_calls"], values["input_tokens"], values["cached_tokens"]) == (4, 1000, 600)
    assert values["day"][12] == 2


def test_a_young_store_is_measured_for_a_day_at_least_and_an_empty_one_for_no_runs() -> None:
    values, _ = measure_usage([record(timedelta(minutes=30))], NOW)
    assert round(values["runs"], 6) == round(D(730) / 24, 6)
    assert measure_usage([], NOW) == ({"runs": 0}, "measured: 0 runs in 30 days")


def test_a_self_test_is_nobodys_use() -> None:
    records = [record(days(3)), record(days(9), kind="self-test"), record(days(1), kind="self-test")]
    assert measure_usage(records, NOW)[1] == "measured: 1 run in 3 days"


def test_runs_are_read_back_to_a_time_whatever_else_lies_there(tmp_path: Path) -> None:
    async def read() -> tuple[list[datetime], tuple[str, ...]]:
        store = await filled(tmp_path.as_uri(), *(record(timedelta(hours=n)) for n in range(1, 150)))
        broken = keys.run_id(NOW)
        await store.put(keys.run_record_key(broken), b"{}")
        await store.put("runs/notes.txt", b"x")
        found = await runs_since(store, NOW - timedelta(hours=100))
        return [r.created_at for r in found.records], found.unreadable

    times, unreadable = asyncio.run(read())
    assert times == [NOW - timedelta(hours=n) for n in range(1, 101)]
    assert len(unreadable) == 1


def test_costs_are_summed_by_what_runs_have_in_common() -> None:
    records = [record(days(1)), record(days(1), trigger="nightly", minutes=5), record(days(2))]
    groups = group_spend(records, "trigger", lambda seconds: Total(known=seconds / 100))
    assert [(g.key, g.runs, g.seconds, g.model.known, g.compute.known) for g in groups] == [
        ("github", 2, 1200, D("0.20"), 12),
        ("nightly", 1, 300, D("0.10"), 3),
    ]
    assert [g.key for g in group_spend(records, "day", lambda _: Total())] == ["2026-11-23", "2026-11-24"]
    assert [g.key for g in group_spend(records, "model", lambda _: Total())] == ["anthropic claude-haiku-4-5"]
    assert total_spend(records, lambda _: Total()).tokens == Tokens(input=3000, cached_input=1800, output=150)


def test_tokens_without_a_price_make_the_sum_at_least() -> None:
    silent = replace(record(days(1)), requests=0, usage=Tokens(), cost_usd=None)
    groups = group_spend([silent, record(days(1), cost_usd=None)], "session", lambda _: Total())
    assert groups[0].model.missing == ("no price was known of anthropic claude-haiku-4-5",)
    assert group_spend([silent], "session", lambda _: Total())[0].model == Total()


def test_a_runs_seconds_are_priced_as_its_task_is() -> None:
    """600 s of 1024/3072 with an address: (0.04048 + 3 x 0.004445 + 0.005) / 6 = 0.0098025; ten seconds cost a minute."""
    target = load("aws-ecs")
    settings = target.settings.model_validate({"region": "us-east-1"})
    prices = Pricer(book=load_price_book("unmoor.targets.aws_ecs.cost"), free_tier=False)
    plan = make_plan(Spec.model_validate(BASE), "prod")
    compute = compute_pricer(Quote(target=target, plan=plan, settings=settings, prices=prices, today=NOW.date()))
    assert compute(D(600)).known.quantize(D("0.0000001")) == D("0.0098025")
    assert compute(D(10)).known.quantize(D("0.0000001")) == D("0.0009803")
    assert compute(D(0)) == Total()


SPEC = """\
version: 1
name: counted
harness: {name: command, command: [cat]}
model: {provider: anthropic, name: claude-haiku-4-5, api_key: key}
budget: {per_day_usd: 5}
secrets: {key: {env: KEY}}
targets: {aws-ecs: {region: us-east-1}}
"""


def unmoor(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*UNMOOR, "cost", str(folder), *arguments]
    environment = {**os.environ, "UNMOOR_DATA": str(folder / "data")}
    return subprocess.run(command, capture_output=True, text=True, env=environment, stdin=subprocess.DEVNULL)


@pytest.fixture
def agent(tmp_path: Path) -> Path:
    """A spec, and a store with two runs of now, one of them with a key that a spreadsheet would run."""
    (tmp_path / "unmoor.yaml").write_text(SPEC)
    made = datetime.now(UTC) - timedelta(hours=2)
    times = {"created_at": made, "started_at": made, "ended_at": made + timedelta(minutes=10)}
    runs = [record(days(0), **times, id=keys.run_id(made), session=key) for key in ("7", "=1+1")]
    asyncio.run(filled((tmp_path / "store").as_uri(), *runs))
    return tmp_path


@pytest.mark.slow
def test_the_command_sums_up_what_runs_have_cost(agent: Path) -> None:
    store = (agent / "store").as_uri()
    done = unmoor(agent, "--store", store, "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["target"], report["all"]["runs"], report["all"]["model_usd"]) == ("aws-ecs", 2, "0.20")
    assert Decimal(report["all"]["compute_usd"]).quantize(D("0.0001")) == D("0.0196")
    share = {name: Decimal(usd).quantize(D("0.0001")) for name, usd in report["own_share"].items()}
    assert share == {"bare_usd": D("0.0165"), "guard_usd": D("0.0015")}
    shown = unmoor(agent, "--store", store)
    assert "unmoor's own share of compute: $0.0015 for guards, 9% of $0.02 bare" in shown.stdout
    assert "today (UTC): $0.00 spent on the model of $5.00, $5.00 left" in shown.stdout
    text = unmoor(agent, "--store", store, "--by", "session", "--csv").stdout.splitlines()
    assert text[0] == "session,runs,seconds,input,cached_input,output,model_usd,compute_usd,total_usd,whole"
    assert [line.split(",")[0] for line in text[1:]] == ["7", "'=1+1"]


@pytest.mark.slow
def test_a_comparison_goes_by_what_a_store_has_seen(agent: Path) -> None:
    command = [*UNMOOR, "compare", str(agent), "--json"]
    done = subprocess.run(
        [*command, "--from-runs", (agent / "store").as_uri(), "--minutes", "3"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    usage = json.loads(done.stdout)[0]["cost"]["usage"]
    assert usage["60.833 runs a month"] == "measured: 2 runs in 1 day"
    assert usage["4 calls of the model a run"] == "measured: 2 runs in 1 day"
    assert usage["3 minutes a run"] == "--minutes"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--by", "moon"), "'moon' is not one of trigger, day, model, session"),
        (("--since", "ever"), "'ever' is not a duration; write a whole number and s, m, h or d, such as 30m"),
        (("--csv", "--json"), "--csv and --json exclude each other"),
        (("-t", "gcp"), "unknown target 'gcp'; "),
        (("--store", "here"), "store: 'here' is not a store; write one of s3://"),
    ],
)
def test_what_the_command_cannot_do_is_said_and_exits_2(agent: Path, arguments: tuple[str, ...], said: str) -> None:
    done = unmoor(agent, *arguments)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.replace("│", " ").split())
    assert "Traceback" not in done.stderr
