"""What a run finds in its workspace, the first time and when its session goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from git_server import TOKEN, GitServer, commit, git, git_server, repository
from runs import Bench, shell

from unmoor.runtime.guard.transport.types import Emit, RunCredentials, Stream
from unmoor.runtime.state.run_record import RunRecord

pytestmark = pytest.mark.slow

FILES = {"files/docs/notes.md": b"noted\n", "files/top": b"top\n"}


class Through:
    """A guard that lets everything through to the git server's proxy, whatever it is shown."""

    def __init__(self, server: GitServer) -> None:
        self.server = server

    async def serve(self, stream: Stream, grant: RunCredentials, emit: Emit) -> None:
        import asyncio
        import base64

        host, port = self.server.proxy.rpartition("@")[2].split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        head = await stream.read()
        line, _, rest = head.partition(b"\r\n")
        shown = base64.b64encode(b"run:token")
        kept = [h for h in rest.split(b"\r\n") if not h.lower().startswith(b"proxy-authorization")]
        writer.write(b"\r\n".join([line, b"Proxy-Authorization: Basic " + shown, *kept]))

        async def up() -> None:
            while data := await stream.read():
                writer.write(data)
                await writer.drain()
            writer.write_eof()

        task = asyncio.create_task(up())
        while data := await reader.read(65536):
            await stream.write(data)
        task.cancel()
        writer.close()
        await stream.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    root = tmp_path / "served"
    root.mkdir()
    repository(root, "project", {"README.md": "first\n"})
    with git_server(root) as running:
        yield running


def bench(tmp_path: Path, server: GitServer, script: str) -> Bench:
    spec = shell(
        script,
        context={"repos": [{"url": server.url("project"), "credential": "token"}]},
        secrets={"token": {"env": "T"}},
    )
    return Bench(
        tmp_path / "b",
        spec,
        secrets={"token": TOKEN},
        way=Through(server),
        git_environment=server.environment,
    )


def test_files_of_the_bundle_lie_where_the_spec_says(tmp_path: Path) -> None:
    run = Bench(tmp_path, shell("cat docs/notes.md top"), files=FILES).run()
    assert run.record.answer == "noted\ntop"


def test_a_repository_is_there_and_the_harness_holds_no_credential_for_it(tmp_path: Path, server: GitServer) -> None:
    script = f"cat project/README.md; env; grep -r {TOKEN} . $HOME $TMPDIR 2>/dev/null; git -C project status --short"
    run = bench(tmp_path, server, script).run()
    assert run.record.status == "succeeded" or run.record.answer
    assert run.record.answer.startswith("first")
    assert TOKEN not in run.record.answer
    assert "[secret:token]" not in run.record.answer


def test_a_session_that_goes_on_keeps_its_changes_and_sees_what_is_new(tmp_path: Path, server: GitServer) -> None:
    first = bench(tmp_path, server, "echo mine > project/mine; git -C project rev-parse HEAD")
    assert first.run(session="s").record.status == "succeeded"
    work = server.root / "project-work"
    newest = commit(work, {"README.md": "second\n"}, "second")
    git(work, "push", "--quiet", "origin", "main")
    first.spec["harness"]["command"][2] = (
        "cat project/mine project/README.md; git -C project rev-parse refs/remotes/origin/main"
    )
    answer = first.run(session="s").record.answer
    assert answer.splitlines() == ["mine", "first", newest]


def test_a_repository_is_not_cloned_through_a_link_that_a_run_left(tmp_path: Path, server: GitServer) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    first = bench(tmp_path, server, f"rm -rf src; ln -s {outside} src")
    first.spec["context"]["repos"][0]["path"] = "src/app"
    assert first.run(session="s").record.status == "succeeded"
    first.spec["harness"]["command"][2] = "cat src/app/README.md; test -L src || echo folder"
    assert first.run(session="s").record.answer.splitlines() == ["first", "folder"]
    assert list(outside.iterdir()) == []


def test_a_repository_is_not_cloned_through_a_link_of_another_repository(tmp_path: Path, server: GitServer) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    repository(server.root, "linked", {"a": "a\n"})
    work = server.root / "linked-work"
    (work / "lib").symlink_to(outside)
    git(work, "add", "lib")
    git(work, "commit", "--quiet", "-m", "a link")
    git(work, "push", "--quiet", "origin", "main")
    both = bench(tmp_path, server, "cat top/lib/project/README.md; test -L top/lib || echo folder")
    repos = both.spec["context"]["repos"]
    repos[:] = [{**repos[0], "url": server.url("linked"), "path": "top"}, {**repos[0], "path": "top/lib/project"}]
    assert both.run().record.answer.splitlines() == ["first", "folder"]
    assert list(outside.iterdir()) == []


def test_git_configuration_that_a_harness_left_behind_never_runs_outside_the_fence(
    tmp_path: Path, server: GitServer
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    script = (
        f"printf '#!/bin/sh\\nenv > {outside}/leaked; env > leaked\\n' > evil; chmod +x evil; "
        'git -C project config core.fsmonitor "$PWD/evil"; git -C project config core.sshCommand "$PWD/evil"; '
        'git -C project config credential.helper "$PWD/evil"; git -C project config core.hooksPath "$PWD"; '
        "cp evil reference-transaction; cp evil post-checkout"
    )
    first = bench(tmp_path, server, script)
    assert first.run(session="s").record.status == "succeeded"
    first.spec["harness"]["command"][2] = "cat leaked project/leaked 2>/dev/null; true"
    run = first.run(session="s")
    assert run.record.status == "succeeded"
    assert not (outside / "leaked").exists()
    assert TOKEN not in run.record.answer
    assert "[secret:token]" not in run.record.answer


def test_a_link_that_a_harness_left_in_a_files_place_is_not_written_through(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    (tmp_path / "elsewhere").mkdir()
    script = f"rm -r docs top; ln -s {tmp_path / 'elsewhere'} docs; ln -s {victim} top"
    first = Bench(tmp_path / "b", shell(script), files=FILES)
    first.run(session="s")
    first.spec = shell("cat docs/notes.md top")
    assert first.run(session="s").record.answer == "noted\ntop"
    assert victim.read_text() == "untouched"
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_clone_that_fails_for_a_moment_is_tried_again(tmp_path: Path, server: GitServer) -> None:
    agent = bench(tmp_path, server, "cat project/README.md")

    class Flaky(Through):
        tries = 0

        async def serve(self, stream: Stream, grant: RunCredentials, emit: Emit) -> None:
            Flaky.tries += 1
            if Flaky.tries == 1:
                stream.abort()
                return
            await super().serve(stream, grant, emit)

    agent.way = Flaky(server)
    run = agent.run()
    assert run.record.status == "succeeded"
    assert run.record.attempt == 2
    assert run.of("notice")[0]["text"].startswith("retrying after: context.repos: https://git.example.com/project: ")


def test_a_clone_that_cannot_be_is_failed_at_once(tmp_path: Path, server: GitServer) -> None:
    agent = bench(tmp_path, server, "true")
    agent.secrets = {"token": "a-wrong-credential"}
    run = agent.run()
    assert (run.record.status, run.record.attempt) == ("failed", 1)
    assert "Authentication failed" in run.record.reason


def test_a_session_of_another_harness_keeps_its_workspace_and_says_so(tmp_path: Path) -> None:
    from unmoor.runtime.run.sessions import acquire_session

    async def as_if_by_another(record: RunRecord, store: Any) -> None:
        from datetime import UTC, datetime

        held = await acquire_session(store, "s", record.id, clock=lambda: datetime.now(UTC))
        assert not isinstance(held, str)
        await held._change(harness="codex", harness_session="x")
        await held.release()

    agent = Bench(tmp_path, shell("echo kept > kept"))
    agent.run(session="s")
    agent.spec = shell("cat kept")
    run = agent.run(session="s", before=as_if_by_another)
    assert run.record.answer == "kept"
    assert run.of("notice")[0]["text"] == (
        "the session was saved by codex: command keeps its workspace and starts a new conversation"
    )
