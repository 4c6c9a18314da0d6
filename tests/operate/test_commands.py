"""The commands that operate an agent, run as a user runs them against a gateway that runs."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import senders
from forked import UNMOOR
from gateways import TOKEN, Client, gateway, put, put_event, record, until

from unmoor.plan.bundle import pack
from unmoor.runtime.events import Finished, Tokens, as_values
from unmoor.runtime.state import keys
from unmoor.runtime.store import open_store
from unmoor.spec.load import load

pytestmark = pytest.mark.slow

SPEC: dict[str, Any] = {
    "version": 1,
    "name": "agent",
    "harness": {"name": "command", "command": ["cat"]},
    "triggers": [
        {
            "name": "github",
            "webhook": {"verify": {"scheme": "github", "secret": "hook"}, "when": {"body.action": "opened"}},
            "prompt": "issue {{ event.number }}",
        }
    ],
    "secrets": {"hook": {"env": "HOOK_SECRET"}},
}
HOOK = SPEC["triggers"][0]


@dataclass
class Done:
    """What a command left."""

    code: int
    out: str
    err: str


@contextlib.asynccontextmanager
async def begun(folder: Path, *arguments: str, **env: str) -> AsyncIterator[asyncio.subprocess.Process]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "UNMOOR_TOKEN": TOKEN, **env}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *UNMOOR, *arguments, env=environment, cwd=folder, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def unmoor(folder: Path, *arguments: str, **env: str) -> Done:
    async with begun(folder, *arguments, **env) as process:
        out, err = await process.communicate()
        return Done(process.returncode or 0, out.decode(), err.decode())


def against(tmp_path: Path, act: Callable[[Client], Any], **spec: Any) -> None:
    """Does something with a gateway whose spec lies in the folder as well."""
    (tmp_path / "unmoor.yaml").write_text(json.dumps(SPEC))

    async def main() -> None:
        async with gateway(tmp_path, **{"secrets": {"hook": senders.SECRET}, "triggers": [HOOK], **spec}) as client:
            await act(client)

    asyncio.run(main())


async def put_line(client: Client, run: str, number: int, values: dict[str, Any]) -> None:
    line = json.dumps({"n": number, "at": "2026-03-01T12:00:00+00:00", **values}) + "\n"
    await client.store.put(keys.event_segment_key(run, number), line.encode())


def finished(status: Any, reason: str = "") -> dict[str, Any]:
    return as_values(Finished(status=status, reason=reason, tokens=Tokens(), cost_usd=None, artifacts=()))


@pytest.mark.parametrize(("status", "code"), [("succeeded", 0), ("failed", 1), ("over_budget", 1)])
def test_trigger_follows_a_run_and_exits_as_it_ended(tmp_path: Path, status: Any, code: int) -> None:
    async def act(client: Client) -> None:
        async with begun(tmp_path, "trigger", "do it", "--url", client.url, "--follow") as process:
            assert process.stdout is not None
            run = (await process.stdout.readline()).decode().strip()
            await client.until_started(1)
            await put_event(client.store, run, 1)
            await put_event(client.store, run, 2)
            await put_line(client, run, 3, finished(status, "because"))
            await client.launcher.end(run, status)
            out, err = await process.communicate()
            assert out.decode().splitlines() == [
                "12:00:00  run      command;",
                "12:00:00  says     line 2",
                "                   and more",
                f"12:00:00  ends     {status}: because",
            ]
            assert (process.returncode, err.decode()) == (code, "")
            assert (await client.record(run)).prompt == "do it"

    against(tmp_path, act)


def test_a_prompt_comes_from_a_file_or_standard_input(tmp_path: Path) -> None:
    async def act(client: Client) -> None:
        (tmp_path / "prompt.txt").write_text("of a file\n")
        done = await unmoor(tmp_path, "trigger", "--file", "prompt.txt", "--session", "s", "--url", client.url)
        assert (done.code, done.err) == (0, "")
        held = await client.record(done.out.strip())
        assert (held.prompt, held.session) == ("of a file\n", "s")

    against(tmp_path, act)


def test_a_recorded_webhook_is_signed_and_starts_its_run(tmp_path: Path) -> None:
    (tmp_path / "body.json").write_text('{"action": "opened", "number": 7}')
    how = ("trigger", "--hook", "github", "--body", "body.json")

    async def act(client: Client) -> None:
        url = ("--url", client.url)
        done = await unmoor(tmp_path, *how, *url, HOOK_SECRET=senders.SECRET)
        assert (done.code, done.err) == (0, "")
        assert (await client.record(done.out.strip())).prompt == "issue 7"
        wrong = await unmoor(tmp_path, *how, *url, HOOK_SECRET="another secret")
        assert (wrong.code, wrong.out) == (1, "")
        assert wrong.err == (
            f"{client.url}: the signature does not match: the secret differs, or the body was changed; "
            "is the local secret the deployed one?\n"
        )
        (tmp_path / "body.json").write_text('{"action": "closed"}')
        passed = await unmoor(tmp_path, *how, *url, UNMOOR_SECRET_HOOK=senders.SECRET)
        expected = 'filtered, no run started: body.action is not "opened"\n'
        assert (passed.code, passed.out, passed.err) == (1, "", expected)
        missing = await unmoor(tmp_path, *how, *url)
        assert missing.code == 2
        assert missing.err.endswith("secrets.hook: env:HOOK_SECRET has no value on this machine; set HOOK_SECRET\n")

    against(tmp_path, act)


def test_runs_are_a_table_or_json_and_are_chosen_by_status_and_trigger(tmp_path: Path) -> None:
    async def act(client: Client) -> None:
        for number, status in ((1, "succeeded"), (2, "failed")):
            await put(client.store, record(number, status=status, reason="a\nb" * (number - 1), trigger=f"t{number}"))
        url = ("--url", client.url)
        table = await unmoor(tmp_path, "runs", *url)
        head, failed, succeeded = table.out.splitlines()
        assert head.split() == [
            "RUN",
            "STATUS",
            "TRIGGER",
            "CREATED",
            "(UTC)",
            "TOOK",
            "COST",
            "USD",
            "SESSION",
            "WHAT",
        ]
        assert failed.split()[:3] == [record(2).id, "failed", "t2"]
        assert failed.endswith("-     -         -        a b")
        assert succeeded.endswith("hello")
        chosen = await unmoor(tmp_path, "runs", *url, "--status", "failed", "--status", "lost", "--json")
        assert [each["id"] for each in json.loads(chosen.out)] == [record(2).id]
        chosen = await unmoor(tmp_path, "runs", *url, "--trigger", "t1", "--json")
        assert [each["id"] for each in json.loads(chosen.out)] == [record(1).id]
        newest = await unmoor(tmp_path, "runs", *url, "--limit", "1", "--json")
        assert [each["id"] for each in json.loads(newest.out)] == [record(2).id]
        none = await unmoor(tmp_path, "runs", *url, "--status", "lost")
        assert (none.code, none.out, none.err) == (0, "", "no matching run\n")

    against(tmp_path, act)


def test_logs_of_the_newest_run_have_nothing_in_them_that_a_terminal_obeys(tmp_path: Path) -> None:
    async def act(client: Client) -> None:
        run = record(1, status="succeeded")
        await put(client.store, run)
        await put_line(client, run.id, 1, {"type": "message", "text": "\x1b]0;owned\x07red\u202e"})
        await put_line(client, run.id, 2, finished("succeeded"))
        done = await unmoor(tmp_path, "logs", "--url", client.url)
        assert (done.code, done.err) == (0, f"{run.id}\n")
        assert done.out == "12:00:00  says     �]0;owned�red�\n12:00:00  ends     succeeded\n"
        raw = await unmoor(tmp_path, "logs", run.id, "--url", client.url, "--json")
        assert [json.loads(line)["n"] for line in raw.out.splitlines()] == [1, 2]

    against(tmp_path, act)


def test_who_follows_a_log_may_stop_and_the_run_goes_on(tmp_path: Path) -> None:
    async def act(client: Client) -> None:
        run = await client.start()
        await client.until_started(1)
        await put_event(client.store, run, 1)
        async with begun(tmp_path, "logs", run, "-f", "--url", client.url) as process:
            assert process.stdout is not None
            assert (await process.stdout.readline()).decode() == "12:00:00  run      command;\n"
            process.send_signal(signal.SIGINT)
            out, err = await process.communicate()
        assert (process.returncode, out, err) == (0, b"", b"")
        assert await client.status(run) == "running"

    against(tmp_path, act)


@contextlib.asynccontextmanager
async def front(port: int, behind: int) -> AsyncIterator[int]:
    """What stands before a gateway, and breaks every connection when it goes."""
    writers: list[asyncio.StreamWriter] = []

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(65536):
            writer.write(piece)
        writer.close()

    async def come(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", behind)
        writers.extend((writer, back))
        with contextlib.suppress(ConnectionError):
            await asyncio.gather(pass_on(reader, back), pass_on(there, writer))

    server = await asyncio.start_server(come, "127.0.0.1", port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()


def test_a_log_is_followed_over_connections_that_break(tmp_path: Path) -> None:
    async def act(client: Client) -> None:
        behind = int(client.url.rsplit(":", 1)[1])
        run = await client.start()
        await client.until_started(1)
        await put_event(client.store, run, 1)
        async with front(0, behind) as port:
            following = begun(tmp_path, "logs", run, "-f", "--json", "--url", f"http://127.0.0.1:{port}")
            process = await following.__aenter__()
            assert process.stdout is not None
            assert process.stderr is not None
            assert json.loads(await process.stdout.readline())["n"] == 1
        assert b"nothing answers" in await process.stderr.readline()
        await put_event(client.store, run, 2)
        await put_line(client, run, 3, finished("succeeded"))
        await client.launcher.end(run)
        async with front(port, behind):
            out, err = await process.communicate()
        assert [json.loads(line)["n"] for line in out.decode().splitlines()] == [2, 3]
        assert err == b"connected again\n"
        await following.__aexit__(None, None, None)

    against(tmp_path, act)


def test_cancel_says_how_the_run_stands(tmp_path: Path) -> None:
    async def act(client: Client) -> None:
        run = await client.start()
        await client.until_started(1)
        done = await unmoor(tmp_path, "cancel", run, "--url", client.url)
        assert (done.code, done.out) == (0, f"{run} is being canceled and ends within seconds\n")
        await client.launcher.end(run, "cancelled")
        done = await unmoor(tmp_path, "cancel", run, "--url", client.url)
        assert (done.code, done.out) == (0, f"{run} had already ended: cancelled\n")

    against(tmp_path, act)


def test_deliveries_say_what_became_of_what_came(tmp_path: Path) -> None:
    async def act(client: Client) -> None:
        await client.ask("POST", "/hooks/github", data=b"{}")
        done = await unmoor(tmp_path, "deliveries", "--url", client.url)
        head, line = done.out.splitlines()
        assert head.startswith("RECEIVED (UTC)")
        assert line.endswith("  github   refused  1      -         X-Hub-Signature-256 is missing")
        none = await unmoor(tmp_path, "deliveries", "--url", client.url, "--outcome", "accepted", "--json")
        assert none.out == "[]\n"

    against(tmp_path, act)


def test_a_store_takes_a_run_for_a_gateway_that_is_away(tmp_path: Path) -> None:
    (tmp_path / "unmoor.yaml").write_text(json.dumps(SPEC))
    url = (tmp_path / "store").as_uri()

    async def act() -> None:
        archive = pack(load(tmp_path).plan)
        await open_store(url).put(keys.bundle_key(hashlib.sha256(archive).hexdigest()), archive)
        done = await unmoor(tmp_path, "trigger", ".", "my password is hunter22", "--store", url, HOOK_SECRET="hunter22")
        said = "queued; the gateway starts it when it is up\n"
        assert (done.code, done.err) == (0, said)
        run = done.out.strip()
        async with gateway(tmp_path) as client:
            await until(lambda: run in client.launcher.claims)
            assert (await client.record(run)).prompt == "my password is [secret:hook]"

    asyncio.run(act())


REFUSED: list[tuple[tuple[str, ...], str]] = [
    (("runs", "--url", "http://a", "--store", "file:///x"), "--url and --store exclude each other"),
    (
        ("runs", "--url", "nowhere"),
        "--url: is not a gateway address; write https://HOST, and put the token into UNMOOR_TOKEN",
    ),
    (("runs", "--status", "suceeded"), "'suceeded' is not one of queued, running, succeeded"),
    (("runs", "-t", "aws-esc"), "unknown target 'aws-esc'; did you mean aws-ecs?"),
    (("runs",), "unmoor.yaml: targets: the spec has settings for no target; say which by -t"),
    (("runs", "--since", "1 week"), "'1 week' is not a duration"),
    (("cancel",), "name the run; unmoor runs lists them"),
    (("logs", "run-1", "run-2"), "one run at a time"),
    (("trigger",), "give a prompt, --file or --hook"),
    (("trigger", "."), "'.' is a spec; put the prompt after it"),
    (("trigger", ".", "do", "it"), "'it' is one argument too many; put the prompt into quotes"),
    (("trigger", "  "), "the prompt is empty; write a task"),
    (("trigger", "--file", "nothing.txt"), "nothing.txt: No such file or directory"),
    (("trigger", "x", "--body", "b"), "needs --hook NAME"),
    (("trigger", "--hook", "github"), "name the file with the webhook's body; - reads standard input"),
    (("trigger", "--hook", "gihub", "--body", "unmoor.yaml", "--url", "http://127.0.0.1:1"), "did you mean github?"),
    (
        ("trigger", "--hook", "github", "--body", "unmoor.yaml", "--store", "file:///x"),
        "only the gateway can receive a webhook",
    ),
    (
        ("trigger", "--hook", "github", "--body", "unmoor.yaml", "--header", "X"),
        "'X' is not a header; write 'Name: value'",
    ),
    (
        ("trigger", "--hook", "github", "--body", "unmoor.yaml", "--session", "x"),
        "not with --hook: the webhook's trigger defines it",
    ),
    (
        ("trigger", "x", "--store", "file:///nowhere"),
        "unmoor.yaml: this version of the spec is not deployed at file:///nowhere",
    ),
]


@pytest.mark.parametrize(("arguments", "said"), REFUSED, ids=lambda value: " ".join(value) if value else "")
def test_what_is_wrong_is_said_before_anything_is_done(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    (tmp_path / "unmoor.yaml").write_text(json.dumps(SPEC))
    done = asyncio.run(unmoor(tmp_path, *arguments, HOOK_SECRET=senders.SECRET))
    assert (done.code, done.out) == (2, "")
    assert said in " ".join(done.err.split())
    assert "Traceback" not in done.err
