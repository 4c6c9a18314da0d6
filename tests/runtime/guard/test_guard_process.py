"""`unmoor-agent guard` as a process of its own: what it needs, what it serves, how it ends."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from agents import KEY, ask
from forked import AGENT
from model_server import Stall, Text, model_server

from unmoor.plan.bundle import pack
from unmoor.runtime.errors import ConfigurationError
from unmoor.runtime.events import GuardEvent, ModelAnswer, ModelUsage, NetworkDenied
from unmoor.runtime.guard.main import GuardOptions, read_options
from unmoor.runtime.guard.transport.link_client import connect_guard
from unmoor.runtime.guard.transport.run_tokens import run_token
from unmoor.runtime.guard.transport.types import RunCredentials
from unmoor.runtime.redact import encodings
from unmoor.runtime.run.guard_port import GuardPort
from unmoor.runtime.state.keys import run_id
from unmoor.runtime.state.run_record import RunRecord, create_run_record
from unmoor.runtime.store import open_store
from unmoor.spec.context_files import SpecFiles
from unmoor.spec.make_plan import make_plan
from unmoor.spec.models import Spec

pytestmark = pytest.mark.slow

RUN_KEY = "k" * 40
GRANT = RunCredentials(run="r1", token=run_token(RUN_KEY, "r1"))
BODY: dict[str, Any] = {"model": "claude-sonnet-4-5", "stream": True, "messages": []}


def environment(folder: Path, base_url: str, *, command: str = "cat", **more: str) -> dict[str, str]:
    """What a target gives the guard's container; the bundle lies in the store."""
    spec = {
        "version": 1,
        "name": "agent",
        "harness": {"name": "command", "command": ["sh", "-c", command]},
        "model": {"provider": "anthropic", "name": BODY["model"], "api_key": "model-key", "base_url": base_url},
        "secrets": {"model-key": {"env": "K"}},
        "run": {"max_cost_usd": 1},
    }
    archive = pack(
        make_plan(Spec.model_validate(spec), "tests", SpecFiles(folder=str(folder), instructions="", files=()))
    )
    digest = hashlib.sha256(archive).hexdigest()
    (folder / "store" / "bundles").mkdir(parents=True, exist_ok=True)
    (folder / "store" / "bundles" / f"{digest}.tar").write_bytes(archive)
    return {
        "PATH": os.environ["PATH"],
        "UNMOOR_BUNDLE": digest,
        "UNMOOR_STORE": (folder / "store").as_uri(),
        "UNMOOR_GUARD_BIND": "127.0.0.1",
        "UNMOOR_SECRET_MODEL_KEY": KEY,
        "UNMOOR_SECRET_RUN_TOKEN_KEY": RUN_KEY,
        "PORT": str(free_port()),
        **more,
    }


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@contextmanager
def guard(variables: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A guard that listens."""
    process = subprocess.Popen(
        [*AGENT, "guard"],
        env=dict(variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        deadline = time.monotonic() + 15
        while not listens(variables["PORT"]):
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield process
    finally:
        process.kill()
        process.communicate()


def listens(port: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


def through(port: str, told: list[GuardEvent], grant: RunCredentials = GRANT) -> int:
    """One request on a run's port with a link to this guard; its status."""

    async def main() -> int:
        async with GuardPort(connect_guard(f"http://127.0.0.1:{port}"), grant, told.append) as local:
            return (await ask(local, "v1/messages", BODY, token=grant.token)).status

    return asyncio.run(main())


def test_a_made_up_run_and_a_made_up_token_are_not_served(tmp_path: Path):
    told: list[GuardEvent] = []
    with model_server(Text("x")) as server, guard(variables := environment(tmp_path, server.url)) as process:
        for run in ("r1", "never-was"):
            with pytest.raises((EOFError, ConnectionError)):
                through(variables["PORT"], told, RunCredentials(run=run, token="made-up"))
        assert server.requests == []
        assert through(variables["PORT"], told) == 200
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=8)
    assert [type(event) for event in told] == [NetworkDenied, NetworkDenied, ModelUsage, ModelAnswer]
    assert RUN_KEY not in said + str(told)


@pytest.mark.parametrize("variable", [{"UNMOOR_GUARD_RUNS": "one"}, {"UNMOOR_GUARD_ENDS": "with-run"}])
def test_a_guard_of_one_run_takes_the_key_of_the_runner_that_holds_it_and_no_other(tmp_path: Path, variable: Any):
    told: list[GuardEvent] = []
    key = "the runner's own"
    mine = RunCredentials(run="r1", token=run_token(key, "r1"))

    async def main(port: str) -> None:
        link = connect_guard(f"http://127.0.0.1:{port}", key=key)

        async def status(grant: RunCredentials) -> int:
            async with GuardPort(link, grant, told.append) as local:
                return (await ask(local, "v1/messages", BODY, token=grant.token)).status

        async def refused(grant: RunCredentials) -> None:
            with pytest.raises((EOFError, ConnectionError)):
                await status(grant)

        await refused(mine)  # nobody holds it yet
        async with link.keep_alive() as until_held:
            await until_held()
            await refused(RunCredentials(run="r1", token="made-up"))
            await refused(RunCredentials(run="r2", token=run_token(key, "r1")))
            async with connect_guard(f"http://127.0.0.1:{port}", key="a harness's").keep_alive() as until_taken:
                with pytest.raises(ConnectionRefusedError):
                    await until_taken()
            await refused(RunCredentials(run="r1", token=run_token("a harness's", "r1")))
            assert await status(mine) == 200

    variables = environment(tmp_path, "http://127.0.0.1:1", **variable)
    del variables["UNMOOR_SECRET_RUN_TOKEN_KEY"]
    with model_server(Text("x")) as server:
        variables |= {"UNMOOR_BUNDLE": environment(tmp_path, server.url)["UNMOOR_BUNDLE"]}
        with guard(variables) as process:
            asyncio.run(main(variables["PORT"]))
            assert len(server.requests) == 1
            if "UNMOOR_GUARD_ENDS" in variable:
                process.communicate(timeout=8)
                assert process.returncode == 0


def test_it_serves_runs_and_writes_what_they_spent_before_it_ends(tmp_path: Path):
    told: list[GuardEvent] = []
    with model_server(Text("x")) as server, guard(variables := environment(tmp_path, server.url)) as process:
        assert through(variables["PORT"], told) == 200
        assert server.requests[0].key == KEY
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=8)
    assert process.returncode == 0
    assert [event.cost_usd for event in told if isinstance(event, ModelUsage)] == [Decimal("0.00357")]
    (book,) = (tmp_path / "store" / "budget").glob("*.json")
    assert json.loads(book.read_text())["runs"] == {GRANT.run: "0.00357"}
    lines = [json.loads(line) for line in said.splitlines()]
    assert [line["message"] for line in lines if "link" not in line["message"]] == ["listening", "stopping", "stopped"]
    assert not [form for form in encodings(KEY) if form in said]


def test_a_key_may_lie_in_a_file_and_a_line_end_is_none_of_it(tmp_path: Path):
    folder = tmp_path / "secrets" / "guard"
    folder.mkdir(parents=True)
    (folder / "UNMOOR_SECRET_MODEL_KEY").write_text(KEY + "\n")
    with model_server(Text("x")) as server:
        variables = environment(tmp_path, server.url, UNMOOR_SECRETS_DIR=str(tmp_path / "secrets"))
        del variables["UNMOOR_SECRET_MODEL_KEY"]
        with guard(variables):
            assert through(variables["PORT"], []) == 200
        assert server.requests[0].key == KEY


@pytest.mark.slow
def test_a_stream_that_is_under_way_does_not_keep_it_from_ending_in_time(tmp_path: Path):
    with model_server(Stall("half")) as server, guard(variables := environment(tmp_path, server.url)) as process:

        async def main() -> float:
            async with GuardPort(connect_guard(f"http://127.0.0.1:{variables['PORT']}"), GRANT, told.append) as local:
                asking = asyncio.create_task(ask(local, "v1/messages", BODY, token=GRANT.token))
                await asyncio.sleep(0.3)
                start = time.monotonic()
                process.send_signal(signal.SIGTERM)
                await asyncio.to_thread(process.wait, 8)
                await asyncio.gather(asking, return_exceptions=True)
                return time.monotonic() - start

        told: list[GuardEvent] = []
        assert asyncio.run(main()) < 8
    assert process.returncode == 0
    assert [event.estimated for event in told if isinstance(event, ModelUsage)] == [True]
    (book,) = (tmp_path / "store" / "budget").glob("*.json")
    assert GRANT.run in json.loads(book.read_text())["runs"]


def test_one_that_is_there_for_one_run_ends_with_it(tmp_path: Path):
    variables = environment(tmp_path, "https://api.example.com", UNMOOR_GUARD_ENDS="with-run")

    async def main() -> None:
        async with connect_guard(f"http://127.0.0.1:{variables['PORT']}").keep_alive():
            await asyncio.sleep(0.2)

    with guard(variables) as process:
        asyncio.run(main())
        process.communicate(timeout=8)
    assert process.returncode == 0


def test_one_of_many_runs_goes_on(tmp_path: Path):
    variables = environment(tmp_path, "https://api.example.com")

    async def main() -> None:
        async with connect_guard(f"http://127.0.0.1:{variables['PORT']}").keep_alive():
            await asyncio.sleep(0.1)

    with guard(variables) as process:
        asyncio.run(main())
        time.sleep(0.2)
        assert process.poll() is None


@pytest.mark.parametrize(
    ("without", "more", "line"),
    [
        ("UNMOOR_STORE", {}, "UNMOOR_STORE is not set; the target sets it"),
        ("UNMOOR_BUNDLE", {}, "UNMOOR_BUNDLE is not set; the target sets it"),
        ("UNMOOR_SECRET_MODEL_KEY", {}, "secret model-key is missing: UNMOOR_SECRET_MODEL_KEY is not set"),
        ("", {"PORT": "http"}, "PORT: 'http' is not a port; the platform sets it"),
        ("", {"UNMOOR_BUNDLE": "0" * 64}, f"bundle {'0' * 64} is not in the store; deploy again"),
    ],
)
def test_what_it_was_not_given_is_said_in_one_line(tmp_path: Path, without: str, more: dict[str, str], line: str):
    variables = {k: v for k, v in environment(tmp_path, "https://x", **more).items() if k != without}
    ended = subprocess.run([*AGENT, "guard"], env=variables, capture_output=True, text=True, timeout=20)
    assert (ended.returncode, ended.stderr) == (2, f"unmoor-agent: {line}\n")


@pytest.mark.parametrize(
    ("variables", "listening"),
    [
        ({}, GuardOptions(host="0.0.0.0", port=8790, one_run=False, ends_with_run=False)),
        ({"PORT": "8080"}, GuardOptions(host="0.0.0.0", port=8080, one_run=False, ends_with_run=False)),
        (
            {"UNMOOR_GUARD_BIND": "127.0.0.1", "UNMOOR_GUARD_ENDS": "with-run"},
            GuardOptions(host="127.0.0.1", port=8790, one_run=True, ends_with_run=True),
        ),
    ],
)
def test_where_it_listens(variables: dict[str, str], listening: GuardOptions):
    assert read_options(variables) == listening


@pytest.mark.parametrize("port", ["0", "65536", "-1", "8o"])
def test_a_port_that_is_none_is_refused(port: str):
    with pytest.raises(ConfigurationError) as caught:
        read_options({"PORT": port})
    assert str(caught.value) == f"PORT: {port!r} is not a port; the platform sets it"


ASK = """
curl -sS --max-time 10 -H "x-api-key: $ANTHROPIC_API_KEY" "$ANTHROPIC_BASE_URL/v1/messages" \\
  -d '{"model": "claude-sonnet-4-5", "messages": []}'
curl -sS --max-time 10 https://example.com 2>&1
:
"""


async def queued(variables: Mapping[str, str]) -> str:
    """A run of this bundle's agent that waits to be run; its id."""
    now = datetime.now(UTC)
    record = RunRecord(
        id=run_id(now),
        agent="agent",
        environment="tests",
        bundle=variables["UNMOOR_BUNDLE"],
        status="queued",
        trigger="api",
        kind="api",
        prompt="ask",
        session="",
        harness="command",
        harness_version="none",
        provider="anthropic",
        model=BODY["model"],
        created_at=now,
    )
    assert await create_run_record(open_store(variables["UNMOOR_STORE"]), record)
    return record.id


def test_a_run_and_its_guard_are_two_processes_and_the_run_has_no_key(tmp_path: Path):
    with model_server(Text("the answer")) as server:
        variables = environment(tmp_path, server.url, command=ASK, UNMOOR_GUARD_ENDS="with-run")
        run = asyncio.run(queued(variables))
        with guard(variables) as process:
            ended = subprocess.run(
                [*AGENT, "run", run],
                env={
                    **{k: v for k, v in variables.items() if k != "UNMOOR_SECRET_MODEL_KEY"},
                    "UNMOOR_GUARD_URL": f"http://127.0.0.1:{variables['PORT']}",
                    "UNMOOR_WORK": str(tmp_path / "work"),
                    "HOME": str(tmp_path),
                },
                capture_output=True,
                text=True,
                timeout=60,
            )
            said, _ = process.communicate(timeout=8)
    assert (ended.returncode, process.returncode) == (0, 0), ended.stdout + ended.stderr + said
    record = json.loads((tmp_path / "store" / "runs" / run / "run.json").read_text())
    assert (record["status"], record["cost_usd"]) == ("succeeded", "0.00357")
    assert "the answer" in record["answer"]
    events = "".join(p.read_text() for p in sorted((tmp_path / "store" / "runs" / run / "events").iterdir()))
    assert '"destination":"example.com:443","reason":"it is not in network.egress"' in events
    everything = ended.stdout + events + json.dumps(record)
    assert not [form for form in encodings(KEY) if form in everything]
