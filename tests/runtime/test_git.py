"""Repositories in the workspace, and the credential that is nowhere in it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from git_server import TOKEN, GitServer, commit, git, git_server, repository

from unmoor.runtime.config import Repo
from unmoor.runtime.errors import TransientError, WorkspaceError
from unmoor.runtime.redact import redactor
from unmoor.runtime.run.git import Git

pytestmark = pytest.mark.slow


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    root = tmp_path / "served"
    root.mkdir()
    repository(root, "project", {"README.md": "first\n"})
    with git_server(root) as running:
        yield running


PATH = "/usr/local/bin:/usr/bin:/bin"


def clone(
    server: GitServer,
    target: Path,
    *,
    ref: str = "HEAD",
    name: str = "project",
    credential: str = TOKEN,
    path: str = PATH,
) -> None:
    home = target.parent / "home"
    home.mkdir(parents=True, exist_ok=True)
    repo = Repo(url=server.url(name), ref=ref, path="project", credential="token")
    git_ = Git(
        proxy=server.proxy,
        home=home,
        path=path,
        redact=redactor({"token": TOKEN}),
        extra=server.environment,
    )
    asyncio.run(git_.clone(repo, credential, target))


def test_a_private_repository_is_cloned_and_its_credential_is_in_no_file(server: GitServer, tmp_path: Path) -> None:
    clone(server, tmp_path / "here" / "project")
    assert (tmp_path / "here" / "project" / "README.md").read_text() == "first\n"
    for path in (tmp_path / "here").rglob("*"):
        if path.is_file():
            assert TOKEN.encode() not in path.read_bytes()
    config = (tmp_path / "here" / "project" / ".git" / "config").read_text()
    assert "helper" not in config
    assert "proxy" not in config


def test_the_credential_is_in_no_argument(server: GitServer, tmp_path: Path) -> None:
    real, log = shutil.which("git"), tmp_path / "arguments"
    shim = tmp_path / "bin" / "git"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >> {log}\nexec {real} "$@"\n')
    shim.chmod(0o755)
    clone(server, tmp_path / "here" / "project", path=f"{shim.parent}:{PATH}")
    assert "clone" in log.read_text()
    assert TOKEN not in log.read_text()


@pytest.mark.parametrize("kind", ["branch", "tag", "commit"])
def test_a_branch_a_tag_and_a_commit_are_checked_out(server: GitServer, tmp_path: Path, kind: str) -> None:
    work = server.root / "project-work"
    git(work, "checkout", "--quiet", "-b", "side/branch")
    digest = commit(work, {"side": "on the side\n"}, "second")
    git(work, "tag", "v1")
    git(work, "push", "--quiet", "origin", "side/branch", "v1")
    clone(server, tmp_path / "x" / "project", ref={"branch": "side/branch", "tag": "v1", "commit": digest}[kind])
    assert (tmp_path / "x" / "project" / "side").read_text() == "on the side\n"


def test_a_ref_that_is_not_there_is_the_workspaces_fault_in_one_line(server: GitServer, tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError) as raised:
        clone(server, tmp_path / "x" / "project", ref="no-such-branch")
    assert str(raised.value) == (
        "context.repos: https://git.example.com/project: fatal: couldn't find remote ref no-such-branch"
    )


def test_a_wrong_credential_is_the_workspaces_fault_and_is_not_shown(server: GitServer, tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError) as raised:
        clone(server, tmp_path / "x" / "project", credential="wrong-credential")
    assert "wrong-credential" not in str(raised.value)
    assert str(raised.value).startswith("context.repos: https://git.example.com/project: fatal: Authentication failed")


def test_a_server_that_is_away_is_the_infrastructures_fault(server: GitServer, tmp_path: Path) -> None:
    server.proxy = "http://run:token@127.0.0.1:1"
    with pytest.raises(TransientError):
        clone(server, tmp_path / "x" / "project")


def test_a_repository_that_is_not_there_is_the_workspaces_fault(server: GitServer, tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="not found"):
        clone(server, tmp_path / "x" / "project", name="other")


def test_an_address_that_is_no_https_is_never_asked(server: GitServer, tmp_path: Path) -> None:
    server.url = lambda name: f"ext::sh -c 'touch {tmp_path}/owned'"  # type: ignore[method-assign]
    with pytest.raises(WorkspaceError, match="not allowed"):
        clone(server, tmp_path / "x" / "project")
    assert not (tmp_path / "owned").exists()
