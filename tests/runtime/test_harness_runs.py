"""The real programs, each run to its end through the guard and inside the fence: the same events, statuses and costs."""

from __future__ import annotations

import os
import shlex
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from model_server import Ends, ModelServer, Refuse, Shell, Stall, Text, model_server
from runs import HAS_A_FENCE, Bench, Ran, command_spec, is_what_this_kernel_can

from unmoor.errors import UnmoorError
from unmoor.local_folders import cache_folder
from unmoor.runtime.events import Tokens
from unmoor.runtime.harness.installed import find
from unmoor.runtime.harness.versions import HARNESS_VERSIONS
from unmoor.runtime.sandbox import landlock
from unmoor.runtime.sandbox.confine import Mechanisms

KEY = "sk-real-key-of-the-provider"
# Priced models, so that costs are counted: the provider that each harness is tried with.
MODELS = {
    "claude-code": ("anthropic", "claude-sonnet-5"),
    "codex": ("openai", "gpt-5.5"),
    "opencode": ("anthropic", "claude-sonnet-5"),
    "pi": ("anthropic", "claude-sonnet-5"),
}
HARNESSES = sorted(MODELS)
# All, for what the guard sees.
MODELS |= {"gemini": ("google", "gemini-2.5-pro"), "goose": ("anthropic", "claude-sonnet-5")}
NEWEST = landlock.version()
CONFINEMENT = {
    0: "advisory: kernel has no Landlock; network and processes enforced by seccomp notification",
    2: "enforced by landlock+seccomp notification",
    NEWEST: "enforced by landlock+seccomp",
}
pytestmark = pytest.mark.slow


def bench(
    tmp_path: Path, harness: str, server: ModelServer, *, mechanisms: Mechanisms | None = None, **parts: Any
) -> Bench:
    try:
        programs = find(harness, HARNESS_VERSIONS[harness], cache_folder())
    except UnmoorError as absent:
        pytest.skip(str(absent))
    provider, model = MODELS[harness]
    base = server.url + ("/v1" if provider == "openai" else "")
    spec = command_spec(
        **{
            "harness": {"name": harness},
            "model": {"provider": provider, "name": model, "api_key": "model-key", "base_url": base},
            "instructions": "Say MARKER-OF-THE-INSTRUCTIONS when asked.",
            "run": {"artifacts": ["out/**"], "timeout": "2m"},
            "secrets": {"model-key": {"env": "K"}},
            **parts,
        }
    )
    using = mechanisms or Mechanisms()
    return Bench(tmp_path, spec, secrets={"model-key": KEY}, programs=programs, mechanisms=using)


@pytest.mark.parametrize("harness", HARNESSES)
def test_a_run_succeeds_with_tools_artifacts_and_cost(tmp_path: Path, harness: str) -> None:
    script = (Shell("mkdir -p out && printf written > out/file"), Text("All of it is done."))
    with model_server(*script) as server:
        run = bench(tmp_path, harness, server).run("Write the file.")
    assert (run.record.status, run.record.reason) == ("succeeded", "")
    assert is_what_this_kernel_can(run.record.confinement)
    assert run.artifact("out/file") == b"written"
    assert "All of it is done." in run.record.answer
    assert_same_events(run)
    assert len(server.requests) == 2
    assert run.record.requests == 2
    assert run.record.usage.output == 68
    assert run.record.cost_usd is not None
    assert run.record.cost_usd > Decimal(0)
    assert all(asked.key == KEY for asked in server.requests)
    assert "MARKER-OF-THE-INSTRUCTIONS" in server.requests[0].text
    assert KEY not in (tmp_path / "store").as_posix() + str(run.events)


def assert_same_events(run: Ran) -> None:
    """Every harness's run tells the same story in the same words."""
    types = [e["type"] for e in run.events if e["type"] != "raw"]
    assert types[0] == "run.started"
    assert types[-1] == "run.finished"
    assert run.of("tool.call")
    assert run.of("tool.result")[0]["is_error"] is False
    assert run.of("message")
    assert len(run.of("usage")) == 2


@pytest.mark.parametrize("harness", HARNESSES)
def test_a_session_goes_on_with_what_was_said(tmp_path: Path, harness: str) -> None:
    with model_server(Text("I remember the word walnut.")) as server:
        agent = bench(tmp_path, harness, server)
        first = agent.run("Remember the word walnut.", session="k")
        second = agent.run("Which word was it?", session="k")
    assert (first.record.status, second.record.status) == ("succeeded", "succeeded")
    assert "Remember the word walnut." in server.requests[-1].text
    assert "I remember the word walnut." in server.requests[-1].text


@pytest.mark.parametrize("harness", HARNESSES)
def test_a_provider_that_refuses_the_key_fails_the_run_and_says_so(tmp_path: Path, harness: str) -> None:
    with model_server(Refuse(401, "this key is not known")) as server:
        run = bench(tmp_path, harness, server).run("Anything.")
    assert run.record.status == "failed"
    assert "this key is not known" in run.record.reason or "401" in run.record.reason
    assert KEY not in str(run.events)


ATTACKS = """
say() {{ printf '%s=%s\\n' "$1" "$2" >> out/seen; }}
mkdir -p out
tcp() {{ timeout 5 bash -c "exec 3<>/dev/tcp/$1/$2" 2>/dev/null && echo open || echo closed; }}
say loopback "$(tcp 127.0.0.1 {port})"
say metadata "$(tcp 169.254.169.254 80)"
say elsewhere "$(tcp 192.0.2.1 443)"
say udp "$(timeout 5 bash -c 'echo x > /dev/udp/127.0.0.1/53' 2>/dev/null && echo open || echo closed)"
say dns "$(timeout 5 getent hosts example.com >/dev/null 2>&1 && echo open || echo closed)"
say environ "$(head -c 10 /proc/{runner}/environ 2>/dev/null | wc -c)"
say signal "$(kill -0 {runner} 2>/dev/null && echo sent || echo refused)"
say store "$(ls {store} 2>/dev/null | wc -l)"
say other "$(cat {other} 2>/dev/null | wc -c)"
say credentials "$(env | grep -c -e AWS_ -e {key})"
guard=${{HTTPS_PROXY##*@}}
ask() {{ timeout 5 bash -c "exec 3<>/dev/tcp/${{guard%%:*}}/${{guard##*:}}; printf '$1' >&3; head -1 <&3" | tr -d '\\r'; }}
say foreign "$(ask 'GET /model/v1/models HTTP/1.1\\r\\nHost: g\\r\\nx-api-key: another-runs-token\\r\\nConnection: close\\r\\n\\r\\n')"
say control "$(ask 'GET /runs HTTP/1.1\\r\\nHost: g\\r\\nConnection: close\\r\\n\\r\\n')"
"""


@pytest.mark.skipif(not HAS_A_FENCE, reason="this kernel's Landlock has no network rules or scopes")
@pytest.mark.parametrize("abi", [0, 2, NEWEST])
@pytest.mark.parametrize("harness", HARNESSES)
def test_nothing_that_was_not_given_is_reached_by_the_harness_own_shell(
    tmp_path: Path, harness: str, abi: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-the-runner")
    other = tmp_path / "work" / "run-other" / "work" / "file"
    other.parent.mkdir(parents=True)
    other.write_text("of another run")
    with model_server() as server:
        attacks = ATTACKS.format(
            port=server.url.rsplit(":", 1)[1], runner=os.getpid(), store=tmp_path / "store", other=other, key=KEY
        )
        server.script = [Shell(f"bash -c {shlex.quote(attacks)}"), Text("tried")]
        run = bench(tmp_path, harness, server, mechanisms=Mechanisms(landlock=abi)).run("Try.")
    assert run.record.status == "succeeded", run.record.reason
    seen = dict(line.split("=", 1) for line in run.artifact("out/seen").decode().splitlines())
    assert run.record.confinement == CONFINEMENT[abi]
    closed = dict.fromkeys(("loopback", "metadata", "elsewhere", "udp", "dns"), "closed")
    if abi == 0:
        # Files are not protected without Landlock: the run says so.
        assert (seen.pop("store"), seen.pop("other")) == ("1", "14")
        seen |= {"store": "0", "other": "0"}
    assert seen == {
        **closed,
        "environ": "0",
        "signal": "refused",
        "store": "0",
        "other": "0",
        "credentials": "0",
        "foreign": "HTTP/1.1 401 ",
        "control": "HTTP/1.1 404 ",
    }


def test_a_cap_that_is_used_up_ends_the_run_as_over_budget(tmp_path: Path) -> None:
    dear = Tokens(input=600_000, output=100)
    with model_server(Shell("true", tokens=dear), Text("done", tokens=dear)) as server:
        run = bench(tmp_path, "claude-code", server, run={"max_cost_usd": 1, "timeout": "1m"}).run("Spend.")
    assert run.record.status == "over_budget"
    assert run.record.reason == "run.max_cost_usd: the cap of 1 USD is used up"
    assert len(server.requests) == 1
    assert run.record.cost_usd is not None
    assert run.record.cost_usd >= 1


def test_the_days_budget_is_shared_by_runs(tmp_path: Path) -> None:
    dear = Tokens(input=600_000, output=100)
    with model_server(Text("done", tokens=dear)) as server:
        agent = bench(tmp_path, "claude-code", server, budget={"per_day_usd": 1})
        first, second = agent.run("Spend."), agent.run("Spend.")
    assert first.record.status in ("succeeded", "over_budget")  # an answer that is whole is never cut
    assert second.record.status == "over_budget"
    assert second.record.reason == "budget.per_day_usd: the cap of 1 USD is used up"
    assert len(server.requests) == 1


def test_a_way_out_that_was_not_given_is_refused_and_told(tmp_path: Path) -> None:
    with model_server(Shell("git ls-remote https://example.org/x 2>&1 | tail -1; true"), Text("done")) as server:
        run = bench(tmp_path, "codex", server, network={"egress": ["example.com"]}).run("Fetch.")
    refused = {(e["destination"], e["reason"]) for e in run.of("network.refused")}
    assert any(destination == "example.org:443" for destination, _ in refused), refused


def test_a_model_that_never_answers_ends_with_the_runs_own_timeout(tmp_path: Path) -> None:
    with model_server(Stall("head")) as server:
        run = bench(tmp_path, "claude-code", server, run={"timeout": "3s"}).run("Wait.")
        server.go_on()
    assert run.record.status == "timed_out"


@pytest.mark.parametrize("harness", sorted(MODELS))
@pytest.mark.parametrize("how", ["length", "refused", "empty"])
def test_an_answer_that_is_none_fails_the_run_with_every_harness(tmp_path: Path, harness: str, how: Any) -> None:
    with model_server(Ends(how)) as server:
        run = bench(tmp_path, harness, server).run("Say something.")
    assert run.record.status == "failed"
    text = {"length": "was cut off at its length limit", "refused": "was refused or filtered", "empty": "is empty"}[how]
    assert any(notice["text"].startswith(f"the model's answer {text}") for notice in run.of("notice"))
    assert run.record.reason


def test_a_harness_that_asks_without_end_after_a_broken_answer_is_stopped(tmp_path: Path) -> None:
    # OpenCode 1.18.33 asks again about 13 times a second, until the run's timeout.
    with model_server(Ends("unsaid")) as server:
        run = bench(tmp_path, "opencode", server).run("Say something.")
        assert 50 <= len(server.requests) < 100
    assert run.record.status == "failed"
    assert run.record.reason == (
        "the model failed 50 times in a row: the last answer broke off before its end "
        "(the provider gave no reason for its end)"
    )


def test_claude_code_offers_nothing_that_outlives_its_answer(tmp_path: Path) -> None:
    with model_server(Text("done")) as server:
        run = bench(tmp_path, "claude-code", server).run("Say something.")
    assert run.record.status == "succeeded"
    tools = {tool["name"]: tool for tool in server.requests[0].body["tools"]}
    assert not tools.keys() & {"ScheduleWakeup", "Monitor", "CronCreate"}
    assert "run_in_background" not in str(tools["Bash"]["input_schema"])
