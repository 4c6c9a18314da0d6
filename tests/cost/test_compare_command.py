"""`unmoor compare` with money, run as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from forked import UNMOOR

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
TRIAGE = str(ROOT / "examples" / "02-issue-triage")
HELLO = str(ROOT / "examples" / "01-hello")


def unmoor(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*UNMOOR, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ, stdin=subprocess.DEVNULL)


def columns(*arguments: str) -> dict[str, dict[str, Any]]:
    done = unmoor("compare", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return {f"{c['target']} {c['variant']}".strip(): c for c in json.loads(done.stdout)}


def test_every_line_adds_up_to_the_total() -> None:
    for column in columns(TRIAGE, "--runs", "200/month", "--minutes", "20").values():
        cost = column["cost"]
        known = [float(line["amount"]) for line in cost["lines"] if line["amount"] is not None]
        assert abs(sum(known) - float(cost["total"])) < 0.0001
        assert cost["whole"] == (len(known) == len(cost["lines"]))
        assert cost["usage"]["200 runs a month"] == "--runs"


def test_each_column_has_the_hosted_platforms_at_its_size_and_what_the_answer_stands_on() -> None:
    """In JSON they lie in a column's cost, as the verdict does: the list itself has targets and nothing else."""
    found = columns(TRIAGE, "-t", "aws-ecs", "-t", "vm-docker", "--what-if", "resources.cpu=2")
    assert {c["target"] for c in found.values()} == {"aws-ecs", "vm-docker"}
    one, larger = (found[f"aws-ecs{change}"]["cost"] for change in ("", " resources.cpu=2"))
    agentcore, at_two = ({r["platform"]: r for r in c["reference"]}["AWS AgentCore Runtime"] for c in (one, larger))
    assert float(agentcore["total"]) < float(at_two["total"])
    assert (agentcore["whole"], agentcore["topics"]["email"]) == (True, {"text": "unknown", "source": ""})
    assert one["sensitivity"] == larger["sensitivity"]
    assert one["sensitivity"]["of"] in one["verdict"]
    assert {"name", "words", "half", "double"} == set(one["sensitivity"]["swings"][0])
    assert {"name", "words", "low", "below", "high", "above"} == set(one["sensitivity"]["ranges"][0])


def test_a_what_if_adds_a_column_and_another_model_another_price() -> None:
    haiku = "model.name=claude-haiku-4-5"
    both = columns(TRIAGE, "-t", "aws-ecs", "--what-if", haiku, "--what-if", "run.isolation=process,resources.cpu=2")
    assert list(both) == ["aws-ecs", f"aws-ecs {haiku}", "aws-ecs run.isolation=process,resources.cpu=2"]
    models = [float(c["cost"]["kinds"]["model"]) for c in both.values()]
    assert models[1] < models[0] == models[2]
    assert [float(c["cost"]["kinds"]["runs"]) > 1 for c in both.values()] == [True, True, False]


def test_a_change_of_one_targets_settings_adds_no_column_to_others() -> None:
    change = "targets.vm-docker.machine=t3.xlarge"
    found = columns(HELLO, "-t", "aws-ecs", "-t", "vm-docker", "--what-if", change)
    assert list(found) == ["aws-ecs", "vm-docker", f"vm-docker {change}"]


def test_a_target_that_refuses_says_why_and_has_no_price() -> None:
    found = columns(str(ROOT / "examples" / "06-everything"))
    assert found["azure-container-apps"]["refused"]
    assert found["azure-container-apps"]["cost"] is None
    assert found["aws-ecs"]["cost"]["total"]


def test_markdown_has_money_the_verdict_and_what_it_stands_on() -> None:
    text = unmoor("compare", HELLO, "-t", "aws-ecs", "--markdown", "--explain", "--runs", "100").stdout
    assert "| **cost a month** | |\n| fixed | $" in text
    assert "**At 100 runs a month of 10 minutes aws-ecs, the only one with all prices, costs $" in text
    assert (
        "| gateway | its private zone of names | 1 zone-month x $0.50 = $0.50 | https://aws.amazon.com/route53/" in text
    )
    assert "\n- --runs: 100 runs a month\n" in text
    assert "\n### For reference, no targets\n" in text


def test_a_what_if_is_asked_of_one_environment_alone(tmp_path: Path) -> None:
    """Codex cannot use the model that prod has, which is not what is asked about."""
    (tmp_path / "unmoor.yaml").write_text(
        "version: 1\nname: agent\nharness: {name: opencode}\n"
        "model: {provider: openai, name: gpt-5, api_key: k}\nsecrets: {k: {env: K}}\n"
        "environments: {prod: {model: {provider: anthropic}}}\ntargets: {vm-docker: {host: local}, aws-ecs: {region: us-east-1}}\n"
    )
    found = columns(str(tmp_path), "--what-if", "harness.name=codex")
    assert len(found) == 4
    done = unmoor("compare", str(tmp_path), "-e", "prod", "--what-if", "harness.name=codex")
    assert done.returncode == 2
    assert done.stderr.startswith("--what-if harness.name=codex: ")


def test_without_the_list_of_models_prices_what_to_install_is_said() -> None:
    code = "import sys; sys.modules['genai_prices'] = None; from unmoor.cli import main; main()"
    command = [sys.executable, "-c", code, "compare", TRIAGE, "-t", "vm-docker", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    [column] = json.loads(done.stdout)
    assert column["cost"]["lacking"] == ["the model's price needs genai-prices: pip install 'unmoor[runtime]'"]


def test_check_knows_nothing_of_money() -> None:
    code = "import sys\nfrom unmoor.cli import main\nsys.argv = ['unmoor', 'check', sys.argv[1]]\ntry: main()\nexcept SystemExit: pass\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, HELLO], capture_output=True, text=True, check=True)
    assert [name for name in done.stdout.split() if name.startswith(("unmoor.cost", "genai_prices"))] == []


def test_by_cost_puts_the_least_first() -> None:
    ordered = [c for c in columns(HELLO, "--by-cost").values() if c["cost"]["whole"]]
    assert [float(c["cost"]["total"]) for c in ordered] == sorted(float(c["cost"]["total"]) for c in ordered)


def test_a_usage_file_is_read_and_options_go_over_it(tmp_path: Path) -> None:
    file = tmp_path / "usage.yaml"
    file.write_text("runs: 50/month\nminutes: 3\n")
    usage = columns(HELLO, "-t", "vm-docker", "--usage", str(file), "--runs", "60")["vm-docker"]["cost"]["usage"]
    assert (usage["60 runs a month"], usage["3 minutes a run"]) == ("--runs", str(file))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--runs", "many"), "Invalid value for --runs: 'many' is not a number of runs; write one such as 200/month"),
        (("--minutes", "-1"), "Invalid value for --minutes: -1 is not between 0 and 1,000,000,000,000"),
        (
            ("--what-if", "cpu"),
            "Invalid value for --what-if: 'cpu' is not PATH=VALUE; write a change such as resources.cpu=2",
        ),
        (
            ("--what-if", "resources.cpus=2"),
            "--what-if resources.cpus=2: resources.cpus: unknown key 'cpus'; did you mean cpu?",
        ),
        (
            ("--tokens-in", "5", "--tokens-cached", "6"),
            "Invalid value for --tokens-cached: 6 are more than all 5 tokens",
        ),
        (("--usage", "none.yaml"), "none.yaml: usage: cannot be read: No such file or directory; name a file"),
    ],
)
def test_what_cannot_be_understood_is_said_and_exits_2(arguments: tuple[str, ...], said: str) -> None:
    done = unmoor("compare", HELLO, *arguments)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.replace("│", " ").split())
    assert "Traceback" not in done.stderr
