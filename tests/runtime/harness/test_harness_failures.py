"""Every harness itself against a model that refuses, breaks off or is not there: it fails, and says why."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from clis import Ran, programs, real_job, run
from model_server import Break, ErrorInStream, Refuse, Text, Turn, model_server, refusing_url

pytestmark = pytest.mark.harness

# At once, the provider would say, so that no time is spent on waiting where a harness listens to it.
NOW = {"retry-after": "0", "retry-after-ms": "1"}
CASES: dict[str, Turn | None] = {
    "400": Refuse(400, "this cannot be"),
    "401": Refuse(401, "who are you"),
    "429": Refuse(429, "slow down", NOW),
    "500": Refuse(500, "out of order", NOW),
    "refused": None,
    "no answer": Break("nothing"),
    "half an answer": Break("half"),
    "an error in the answer": ErrorInStream("overloaded"),
}
# A word of the reason that each gives, where it is the provider's own or the network's.
WORDS = {
    "claude-code": {
        "400": "this cannot be",
        "401": "who are you",
        "429": "slow down",
        "500": "out of order",
        "refused": "ECONNREFUSED",
        "no answer": "ECONNRESET",
        "half an answer": "ECONNRESET",
    },
    "codex": {
        "400": "this cannot be",
        "401": "who are you",
        "429": "429 Too Many Requests",
        "500": "",
        "refused": "Connection failed",
        "no answer": "stream disconnected",
        "half an answer": "stream disconnected",
        "an error in the answer": "overloaded",
    },
    "opencode": {
        "400": "APIError: this cannot be",
        "401": "APIError: who are you",
        "429": "APIError: slow down",
        "500": "APIError: out of order",
        "refused": "Cannot connect to API",
        "no answer": "Cannot connect to API",
        "half an answer": "connect",
        "an error in the answer": "overloaded",
    },
    "pi": {
        "400": "this cannot be",
        "401": "who are you",
        "429": "slow down",
        "500": "out of order",
        "refused": "Connection error",
        "no answer": "Connection error",
        "half an answer": "terminated",
        "an error in the answer": "overloaded",
    },
    "gemini": {
        "400": "this cannot be",
        "401": "who are you",
        "429": "slow down",
        "500": "out of order",
        "refused": "fetch failed",
        "no answer": "fetch failed",
        "half an answer": "terminated",
        "an error in the answer": "ended without a finish reason",
    },
    "goose": {
        "400": "this cannot be",
        "401": "who are you",
        "429": "slow down",
        "500": "out of order",
        "refused": "Could not connect",
        "no answer": "Network error",
        "half an answer": "Stream decode error",
        "an error in the answer": "overloaded",
    },
}


@pytest.mark.parametrize("harness", WORDS)
def test_whatever_goes_wrong_the_run_fails_and_says_why(harness: str, tmp_path: Path) -> None:
    programs(harness)
    with ThreadPoolExecutor(len(CASES)) as pool:
        ran = dict(zip(CASES, pool.map(lambda case: one(harness, case, tmp_path / case), CASES), strict=True))
    for case, word in WORDS[harness].items():
        outcome = ran[case].outcome
        assert outcome.status == "failed", case
        assert word.lower() in outcome.reason.lower(), case
        assert "\n" not in outcome.reason
    for case in CASES.keys() - WORDS[harness].keys():
        assert ran[case].outcome.status == "succeeded", case


def one(harness: str, case: str, root: Path) -> Ran:
    turn = CASES[case]
    with model_server(turn or Text("never")) as server:
        return run(harness, real_job(harness, server.url if turn else refusing_url(), root))


@pytest.mark.parametrize("harness", WORDS)
def test_a_model_that_recovers_is_no_failure(harness: str, tmp_path: Path) -> None:
    with model_server(Refuse(500, "out of order", NOW), Text("all is done")) as server:
        ran = run(harness, real_job(harness, server.url, tmp_path))
    assert (ran.outcome.status, ran.outcome.reason, ran.outcome.answer) == ("succeeded", "", "all is done")


@pytest.mark.parametrize("harness", WORDS)
def test_a_session_that_is_not_there_is_a_failure_that_says_so(harness: str, tmp_path: Path) -> None:
    missing = "ses_0000000000000000000000000000" if harness == "opencode" else "6f1a1c3e-0000-4000-8000-00000000dead"
    with model_server(Text("never")) as server:
        ran = run(harness, real_job(harness, server.url, tmp_path, session=missing))
    assert not server.requests
    assert ran.outcome.status == "failed"
    assert any(word in ran.outcome.reason.lower() for word in ("session", "conversation", "rollout"))
