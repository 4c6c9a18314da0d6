"""`unmoor-agent run` as a process: told to stop, killed, run twice, fired by a schedule, and given odd things."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from agent_process import Agent, ended, silent_guard, until
from processes import ME
from runs import shell
from test_lifecycle import living

from unmoor.runtime.run.lease import RunLease, acquire_lease
from unmoor.runtime.run.sessions import Session, acquire_session
from unmoor.runtime.run.stop_signals import stop_time_s
from unmoor.runtime.signals import CANCEL_SIGNAL
from unmoor.runtime.state import keys
from unmoor.runtime.state.finish import request_cancel

pytestmark = pytest.mark.process

SCHEDULE = [{"name": "nightly", "schedule": {"cron": "0 3 * * *"}, "prompt": "Summarise {{ event.scheduled }}"}]


@pytest.fixture
def guard() -> Iterator[str]:
    with silent_guard() as url:
        yield url


@pytest.fixture
def agent(tmp_path: Path, guard: str) -> Agent:
    return Agent(tmp_path, shell("cat"), guard_url=guard)


def test_a_run_by_its_id_succeeds_and_leaves_nothing_on_the_machine(agent: Agent) -> None:
    run = agent.queued()
    code, out, err = ended(agent.start(run))
    assert (code, err) == (0, "")
    assert '"run.started"' in out
    agent.assert_one_end(run, "succeeded")
    assert list((agent.root / "work").iterdir()) == []
    assert ended(agent.start(run))[0] == 0, "a run that has ended is nothing to do"
    agent.assert_one_end(run, "succeeded")


def test_a_run_that_is_told_to_stop_while_its_harness_works(agent: Agent) -> None:
    agent.spec = shell(f"trap '' TERM; echo kept > kept; echo up; while :; do sleep 3471.{ME}; done")
    run = agent.queued(session="k")
    process = agent.start(run)
    until(lambda: list((agent.root / "work").glob("s-*/work/kept")))
    code = stopped_within_eight_seconds(process)
    assert code == 1
    agent.assert_one_end(run, "lost")
    assert not living(f"sleep 3471.{ME}")
    agent.spec = shell("cat kept")
    again = agent.queued(session="k")
    ended(agent.start(again))
    assert agent.record(again).answer == "kept"


@pytest.mark.parametrize("number", [signal.SIGTERM, CANCEL_SIGNAL])
def test_a_run_that_is_cancelled_is_told_by_a_signal(agent: Agent, number: signal.Signals) -> None:
    """A platform stops the container of a cancelled run; a gateway signals a process beside it."""
    agent.spec = shell(f"echo kept > kept; while :; do sleep 3471.{ME}; done", run={"artifacts": ["kept"]})
    run = agent.queued()
    process = agent.start(run)
    until(lambda: list((agent.root / "work").glob("*/work/kept")))
    if number == signal.SIGTERM:
        asyncio.run(request_cancel(agent.store, run, clock=lambda: datetime.now(UTC)))
    process.send_signal(number)
    assert ended(process)[0] == 1
    agent.assert_one_end(run, "cancelled")
    assert [artifact.path for artifact in agent.record(run).artifacts] == ["kept"]


def test_a_run_has_the_time_of_its_platform_to_end() -> None:
    assert stop_time_s({"CONTAINER_APP_JOB_NAME": "run"}) == stop_time_s({"ECS_CONTAINER_METADATA_URI_V4": "u"}) == 25
    assert stop_time_s({"CLOUD_RUN_JOB": "run"}) == stop_time_s({}) == 6.5


def test_a_run_that_is_told_to_stop_while_it_waits_for_its_session(agent: Agent) -> None:
    held = asyncio.run(acquire_session(agent.store, "k", "run-other", clock=lambda: datetime.now(UTC)))
    assert isinstance(held, Session)
    workspace = agent.root / "work" / f"s-{keys.session_digest('k')}" / "work"
    workspace.mkdir(parents=True)
    (workspace / "of-the-other").write_text("being worked on")
    run = agent.queued(session="k")
    process = agent.start(run)
    until(lambda: "waiting for run run-other" in str(agent.events(run)))
    assert stopped_within_eight_seconds(process) == 1
    agent.assert_one_end(run, "lost")
    assert agent.record(run).reason == "the container was told to stop before the harness started"
    assert (workspace / "of-the-other").read_text() == "being worked on"


def test_a_run_that_is_told_to_stop_while_it_clones(agent: Agent) -> None:
    agent.spec = shell("true", context={"repos": [{"url": "https://git.example.com/p"}]})
    run = agent.queued()
    process = agent.start(run)
    # The guard takes the connection and says nothing, so that git waits.
    until(lambda: living("git clone --quiet --no-checkout -- https://git.example.com/p"))
    assert stopped_within_eight_seconds(process) == 1
    agent.assert_one_end(run, "lost")
    assert not living("https://git.example.com/p")


def test_a_run_that_is_told_to_stop_while_it_saves(agent: Agent) -> None:
    agent.spec = shell("i=0; while [ $i -lt 30 ]; do head -c 50000000 /dev/urandom > f$i; i=$((i+1)); done; echo up")
    run = agent.queued(session="k")
    process = agent.start(run)
    until(lambda: list((agent.root / "work").glob("own-*/session.tar.zst")))
    stopped_within_eight_seconds(process)
    assert agent.record(run).is_final
    agent.assert_one_end(run, "succeeded")


def test_a_run_that_times_out_and_is_told_to_stop_meanwhile(agent: Agent) -> None:
    agent.spec = shell(f"trap 'echo asked' TERM; echo up; while :; do sleep 3472.{ME}; done", run={"timeout": "1s"})
    run = agent.queued()
    process = agent.start(run)
    until(lambda: "asked" in str(agent.events(run)))
    assert stopped_within_eight_seconds(process) == 1
    agent.assert_one_end(run, "timed_out")
    assert not living(f"sleep 3472.{ME}")


def test_a_runner_that_was_killed_is_followed_by_another_that_goes_on_with_its_events(agent: Agent) -> None:
    agent.spec = shell(f"echo up; test -e /nowhere || sleep 3473.{ME}")
    run = agent.queued()
    process = agent.start(run)
    until(lambda: any(e["type"] == "message" for e in agent.events(run)))
    process.kill()
    ended(process)
    until(lambda: not living(f"sleep 3473.{ME}") or killed(f"sleep 3473.{ME}"))
    assert agent.record(run).status == "running"
    code, out, _ = ended(agent.start(run))
    assert code == 0, "its lease is believed"
    assert "is run by" in out
    expire(agent, run)
    agent.spec = shell("echo again")
    assert ended(agent.start(run))[0] == 0
    agent.assert_one_end(run, "succeeded")
    assert agent.record(run).attempt == 2
    assert [e["text"] for e in agent.events(run) if e["type"] == "message"] == ["up", "again"]


def test_of_two_runners_of_one_run_one_runs_it(agent: Agent) -> None:
    agent.spec = shell("echo once")
    run = agent.queued()
    both = [agent.start(run), agent.start(run)]
    results = [ended(process) for process in both]
    assert [code for code, _, _ in results] == [0, 0]
    assert [err for _, _, err in results] == ["", ""]
    agent.assert_one_end(run, "succeeded")
    assert len([e for e in agent.events(run) if e["type"] == "message"]) == 1


def test_runs_of_one_session_in_two_processes_take_turns(agent: Agent) -> None:
    agent.spec = shell("cat n 2>/dev/null; cat >> n; mkdir lock || exit 9; sleep 0.3; rmdir lock")
    runs = [agent.queued(session="k", prompt=f"{i}\n") for i in range(3)]
    for process in [agent.start(run) for run in runs]:
        code, _, err = ended(process)
        assert (code, err) == (0, "")
    answers = sorted((agent.record(run).answer for run in runs), key=len)
    assert [len(answer.split()) for answer in answers] == [0, 1, 2]


def test_a_runner_that_has_lost_its_run_says_nothing_more(agent: Agent) -> None:
    agent.spec = shell(f"echo up; sleep 3474.{ME}", run={"artifacts": ["**"]})
    run = agent.queued(session="k")
    process = agent.start(run)
    until(lambda: any(e["type"] == "message" for e in agent.events(run)))
    other = take(agent, run)
    before = agent.events(run)
    code, out, err = ended(process)
    assert (code, err) == (0, "")
    assert f"run {run} was taken by another runner" in out
    assert not living(f"sleep 3474.{ME}")
    assert agent.events(run) == before
    assert agent.record(run) == other.record


def take(agent: Agent, run: str) -> RunLease:
    """Claims the run as another runner would whose clock is an hour ahead."""
    clock = lambda: datetime.now(UTC) + timedelta(hours=1)  # noqa: E731
    return asyncio.run(acquire_lease(agent.store, run, owner="another", clock=clock))


def expire(agent: Agent, run: str) -> None:
    """Makes the run's lease one that ran out."""
    path = agent.root / "store" / "runs" / run / "run.json"
    lease = agent.record(run).lease
    assert lease is not None
    path.write_text(path.read_text().replace(lease.expires_at.isoformat(), "2020-01-01T00:00:00+00:00"))


def stopped_within_eight_seconds(process: subprocess.Popen[str]) -> int:
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    code, _, err = ended(process)
    assert time.monotonic() - began < 8
    assert err == ""
    return code


def killed(command: str) -> bool:
    """Ends what a runner that was killed could not: in a container its init does."""
    return subprocess.run(["pkill", "-f", f"^{command}$"], check=False).returncode == 0


def test_a_run_that_waited_through_a_deployment_says_which_bundle_it_ran(agent: Agent) -> None:
    agent.spec = shell("echo before")
    run = agent.queued()
    agent.spec = shell("echo after")
    assert ended(agent.start(run))[0] == 0
    record = agent.record(run)
    assert (record.answer, record.bundle) == ("after", agent.deployed())


def test_a_firing_that_is_delivered_twice_has_one_run(agent: Agent) -> None:
    agent.spec = shell("cat", triggers=SCHEDULE)
    first = ended(agent.start("--trigger", "nightly", "--delivery", "d-1"))
    second = ended(agent.start("--trigger", "nightly", "--delivery", "d-1"))
    assert (first[0], second[0]) == (0, 0)
    [record] = agent.runs()
    assert (record.trigger, record.kind, record.status) == ("nightly", "schedule", "succeeded")
    assert record.prompt.startswith("Summarise 20")
    assert f"run {record.id} has ended: succeeded" in second[1]
    ended(agent.start("--trigger", "nightly", "--delivery", "d-2"))
    ended(agent.start("--trigger", "nightly"))
    assert len(agent.runs()) == 3


def test_a_run_writes_below_queue_only_that_its_schedule_has_fired(agent: Agent) -> None:
    """The rights of a run's identity on each cloud; anything else there would start other runs."""
    agent.spec["triggers"] = SCHEDULE
    ended(agent.start("--trigger", "nightly", "--delivery", "d"))
    queue = agent.root / "store" / "queue"
    assert {path.name for path in queue.iterdir()} - {".unmoor"} == {"fired"}  # the folder store has its locks there


def test_a_firing_that_is_delivered_five_times_at_once_has_one_run(agent: Agent) -> None:
    agent.spec = shell("cat", triggers=SCHEDULE)
    processes = [agent.start("--trigger", "nightly", "--delivery", "d") for _ in range(5)]
    assert [(code, err) for code, _, err in map(ended, processes)] == [(0, "")] * 5
    [record] = agent.runs()
    agent.assert_one_end(record.id, "succeeded")


@pytest.mark.parametrize("queued", [False, True])
def test_a_firing_whose_first_runner_died_is_run_by_the_second(agent: Agent, queued: bool) -> None:
    agent.spec = shell("cat", triggers=SCHEDULE)
    run = agent.queued() if queued else keys.run_id(datetime.now(UTC))
    asyncio.run(agent.store.put(keys.schedule_dedup_key("nightly", "d"), run.encode()))
    assert ended(agent.start("--trigger", "nightly", "--delivery", "d"))[0] == 0
    agent.assert_one_end(run, "succeeded")


def test_a_secret_that_stands_in_a_prompt_reaches_neither_store_nor_harness(agent: Agent) -> None:
    triggers: list[Any] = [{**SCHEDULE[0], "prompt": "Say open-sesame-please"}]
    agent.spec = shell("cat; echo x > open-sesame-please", triggers=triggers, run={"artifacts": ["**"]})
    ended(agent.start("--trigger", "nightly", UNMOOR_SECRET_KEY="open-sesame-please"))
    [record] = agent.runs()
    assert record.prompt == "Say [secret:key]"
    assert record.answer == "Say [secret:key]"
    assert [a.path for a in record.artifacts] == ["[secret:key]"]
    texts = [p.read_bytes() for p in (agent.root / "store" / "runs").rglob("*") if p.is_file()]
    assert not any(b"open-sesame" in text for text in texts)
    assert not list((agent.root / "store").rglob("*sesame*"))


@pytest.mark.parametrize(
    ("arguments", "environment", "code", "text"),
    [
        (["run-../../etc"], {}, 2, "run: 'run-../../etc' is not a valid run; write unmoor-agent run RUN_ID | "),
        (["run-000000000-0000000"], {}, 0, ""),
        (["--trigger", "daily"], {}, 2, "run: the agent has no trigger 'daily'; deploy again"),
        (["--trigger"], {}, 2, "run: '--trigger' is not a valid run; write "),
        ([], {}, 2, "run: '' is not a valid run; write "),
        (["run-000000000-0000000"], {"UNMOOR_STORE": ""}, 2, "UNMOOR_STORE is not set; "),
        (
            ["run-000000000-0000000"],
            {"UNMOOR_STORE": "file://else/where"},
            2,
            "store: 'file://else/where' is not a folder",
        ),
        (["run-000000000-0000000"], {"UNMOOR_STORE": "s3://"}, 2, "store: 's3://' is not a store: "),
        (["run-000000000-0000000"], {"UNMOOR_STORE": "http://[x"}, 2, "store: 'http://[x' is not a store"),
        (
            ["run-000000000-0000000"],
            {"UNMOOR_GUARD_URL": "tcp://x"},
            2,
            "UNMOOR_GUARD_URL: 'tcp://x' is not a guard's ",
        ),
        (["run-000000000-0000000"], {"UNMOOR_GUARD_URL": "http://h:p"}, 2, "UNMOOR_GUARD_URL: 'http://h:p' is not "),
        (["run-000000000-0000000"], {"UNMOOR_BUNDLE": "ab" * 32}, 2, f"bundle {'ab' * 32} is not in the store; deploy"),
        (["run-000000000-0000000"], {"UNMOOR_WORK": "/proc/none"}, 1, "this machine: No such file or directory: /proc"),
        (["run-000000000-0000000"], {"UNMOOR_STORE": "file:///proc/none"}, 2, "bundle "),
    ],
)
def test_what_cannot_be_run_is_said_in_one_line(
    agent: Agent, arguments: list[str], environment: dict[str, str], code: int, text: str
) -> None:
    agent.environment = environment
    found, _, err = ended(agent.start(*arguments))
    assert found == code, err
    assert len(err.splitlines()) == (1 if text else 0), err
    assert err.startswith(f"unmoor-agent: {text}" if text else "")


def test_a_bundle_that_is_another_one_is_refused(agent: Agent) -> None:
    run = agent.queued()
    process_bundle = agent.deployed()
    agent.environment = {"UNMOOR_BUNDLE": "cd" * 32}
    asyncio.run(agent.store.put(keys.bundle_key("cd" * 32), b"not a bundle"))
    code, _, err = ended(agent.start(run))
    assert code == 2
    assert err.startswith(f"unmoor-agent: bundle {'cd' * 32} is corrupt: the digest of its content is ")
    assert process_bundle
    assert agent.record(run).status == "queued"


@pytest.mark.parametrize(
    ("content", "why"), [(b"caf\xe9", "is not UTF-8; a secret is text"), (None, "cannot be read: ")]
)
def test_a_secret_file_that_cannot_be_read_is_named(agent: Agent, content: bytes | None, why: str) -> None:
    folder = agent.root / "secrets" / "one"
    folder.mkdir(parents=True)
    file = folder / "UNMOOR_SECRET_KEY"
    file.mkdir() if content is None else file.write_bytes(content)
    agent.environment = {"UNMOOR_SECRETS_DIR": str(folder.parent)}
    code, _, err = ended(agent.start(agent.queued()))
    assert code == 2
    assert err.startswith(f"unmoor-agent: {file} {why}")
    assert len(err.splitlines()) == 1
