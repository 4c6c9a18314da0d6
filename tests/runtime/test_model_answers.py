"""Runs whose model does not answer as it should: they end, and say so, whatever their harness does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from model_server import Ends, Refuse, Text, Turn, model_server
from runs import Bench, Ran, command_spec

from unmoor.runtime.events import ModelAnswer
from unmoor.runtime.run.model_answers import MOST_EQUAL_FAILURES, ModelAnswers
from unmoor.runtime.run.stop import Stop

# Asks as often as its argument says, whatever it gets, and exits with 0.
ASKS = """
import os, sys, urllib.request
url = os.environ["UNMOOR_MODEL_URL"] + "/v1/messages"
body = b'{"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": []}'
for _ in range(int(sys.argv[1])):
    sent = urllib.request.Request(url, body, {"x-api-key": os.environ["UNMOOR_MODEL_TOKEN"]})
    try:
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(sent).read()
    except OSError:
        pass
print("all is well")
"""


def asking(root: Path, times: int, *turns: Turn, **run: Any) -> Ran:
    with model_server(*turns) as server:
        spec = command_spec(
            harness={"name": "command", "command": ["python3", "-c", ASKS, str(times)]},
            model={"provider": "anthropic", "name": "claude-sonnet-4-5", "api_key": "k", "base_url": server.url},
            secrets={"k": {"env": "K"}},
            run={"timeout": "1m", **run},
        )
        return Bench(root, spec, secrets={"k": "sk-key"}).run()


@pytest.mark.parametrize(
    ("turn", "reason"),
    [
        (Ends("refused"), "the model's last answer was refused or filtered (refusal)"),
        (Ends("empty"), "the model's last answer is empty (end_turn)"),
    ],
)
def test_a_run_whose_last_answer_is_none_has_failed_though_its_program_is_content(
    tmp_path: Path, turn: Turn, reason: str
):
    ran = asking(tmp_path, 2, Text("first"), turn)
    assert (ran.record.status, ran.record.reason, ran.record.answer) == ("failed", reason, "all is well")
    assert reason.replace("last ", "") in [notice["text"] for notice in ran.of("notice")]
    assert ran.of("model.answer") == []


def test_the_last_answer_decides(tmp_path: Path):
    ran = asking(tmp_path, 3, Ends("refused"), Ends("empty"), Text("at last"))
    assert (ran.record.status, ran.record.reason) == ("succeeded", "")
    assert len(ran.of("notice")) == 2


def test_a_program_of_ones_own_may_limit_its_answers(tmp_path: Path):
    ran = asking(tmp_path, 1, Ends("length"))
    assert ran.record.status == "succeeded"
    assert [notice["text"] for notice in ran.of("notice")] == [
        "the model's answer was cut off at its length limit (max_tokens)"
    ]


def test_a_run_that_asks_more_often_than_it_may_is_stopped_and_says_so(tmp_path: Path):
    ran = asking(tmp_path, 500, Text("go on"), max_model_requests=7)
    assert ran.record.status == "failed"
    assert ran.record.reason == "run.max_model_requests: the run made 7 model requests"
    assert 7 <= ran.record.requests < 100


@pytest.mark.parametrize(
    ("turn", "problem"),
    [
        (Refuse(500), "failed (the provider responded 500)"),
        (Ends("empty"), "is empty (end_turn)"),
    ],
)
def test_a_run_that_asks_again_without_end_after_the_same_failure_is_stopped(tmp_path: Path, turn: Turn, problem: str):
    ran = asking(tmp_path, 1000, turn)
    assert ran.record.status == "failed"
    assert ran.record.reason == f"the model failed {MOST_EQUAL_FAILURES} times in a row: the last answer {problem}"


def answers(*finishes: str, most: int = 10_000) -> ModelAnswers:
    counted = ModelAnswers(Stop(), most)
    for finish in finishes:
        counted.add(ModelAnswer(finish=finish, detail="x"))  # type: ignore[arg-type]
    return counted


def test_other_failures_and_answers_in_between_begin_the_count_again():
    almost = ["failed"] * (MOST_EQUAL_FAILURES - 1)
    assert answers(*almost, "complete", *almost).reason == ""
    assert answers(*almost, "broken", *almost).reason == ""
    assert answers(*almost, "cancelled", "failed").reason != ""
    assert answers(*["length"] * 200).reason == ""


def test_a_failure_or_a_cancelled_request_at_the_end_leaves_the_answer_before_it():
    assert answers("complete", "failed", "cancelled").last_problem(length_counts=True) == ""
    assert answers("empty", "failed").last_problem(length_counts=True) == "the model's last answer is empty (x)"
    assert answers("length").last_problem(length_counts=False) == ""
    assert answers("length").last_problem(length_counts=True) != ""
    assert answers().last_problem(length_counts=True) == ""
