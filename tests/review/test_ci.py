"""What CI runs: the script on a repository of its own, and the action around it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from comment_host import Host
from ruamel.yaml import YAML

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
WHO = ("-c", "user.name=a", "-c", "user.email=a@example.com")


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", *WHO, *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> tuple[Path, str]:
    """A repository whose last change makes runs larger, and the commit before it."""
    folder = tmp_path / "repository"
    shutil.copytree(ROOT / "examples" / "01-hello", folder / "agents" / "hello")
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "first")
    before = git(folder, "rev-parse", "HEAD")
    spec = folder / "agents" / "hello" / "unmoor.yaml"
    spec.write_text(spec.read_text().replace("run:\n", "resources: {cpu: 4, memory: 8Gi}\nrun:\n"))
    git(folder, "commit", "--quiet", "--all", "--message", "larger")
    return folder, before


def ran(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """The script with these variables and no others of its own; `unmoor` is this environment's."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("UNMOOR_CI_", "GITHUB_", "CI"))}
    environment = {**own, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", **variables}
    return subprocess.run(
        ["bash", str(ROOT / "ci" / "run.sh")], cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )


def test_a_review_comments_once_and_leaves_the_repository_as_it_was(repository: tuple[Path, str], host: Host) -> None:
    folder, before = repository
    asked = {
        **host.github(),
        "UNMOOR_CI_MODE": "review",
        "UNMOOR_CI_SPEC": "agents/hello",
        "UNMOOR_CI_TARGETS": "aws-ecs vm-docker",
        "UNMOOR_CI_BASE": before,
        "UNMOOR_CI_PREVIEW": "false",
        "UNMOOR_CI_RUNS": "200",
        "GITHUB_STEP_SUMMARY": str(folder.parent / "summary.md"),
    }
    for done in (ran(folder, **asked), ran(folder, **asked)):
        assert done.returncode == 0, done.stderr
    [comment] = host.comments
    assert re.search(r"^\| aws-ecs \| \$[\d.]+ \| \$[\d.]+ \| \+\$[\d.]+ \(\+\d+%\) \|$", comment["body"], flags=re.M)
    assert (folder.parent / "summary.md").read_text().count("<!-- unmoor review: hello default -->") == 2
    assert git(folder, "worktree", "list").count("\n") == 0
    assert git(folder, "status", "--porcelain") == ""


def test_a_spec_that_is_wrong_ends_it_before_anything_else(repository: tuple[Path, str], host: Host) -> None:
    folder, before = repository
    (folder / "agents" / "hello" / "unmoor.yaml").write_text("version: 1\nnam: x\n")
    asked = {"UNMOOR_CI_MODE": "review", "UNMOOR_CI_SPEC": "agents/hello", "UNMOOR_CI_BASE": before, **host.github()}
    done = ran(folder, **asked)
    assert done.returncode == 2
    assert "nam: unknown key 'nam'; did you mean name?" in done.stderr + done.stdout
    assert host.comments == []


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("", "UNMOOR_CI_MODE is ''; set it to review or deploy"),
        ("deploy", "no target to deploy to; set UNMOOR_CI_TARGETS (the action's input: targets)"),
    ],
)
def test_what_it_is_not_told_it_does_not_guess(repository: tuple[Path, str], mode: str, said: str) -> None:
    done = ran(repository[0], UNMOOR_CI_MODE=mode, UNMOOR_CI_SPEC="agents/hello")
    assert (done.returncode, done.stderr.strip().splitlines()[-1]) == (2, said)


def test_a_name_with_a_command_in_it_is_a_name(repository: tuple[Path, str]) -> None:
    done = ran(repository[0], UNMOOR_CI_MODE="review", UNMOOR_CI_SPEC="$(touch planted)", UNMOOR_CI_COMMENT="false")
    assert done.returncode == 2
    assert not list(repository[0].rglob("planted"))


def test_every_input_of_the_action_reaches_the_script_as_a_variable_and_never_as_text() -> None:
    action = YAML(typ="safe").load((ROOT / "action.yml").read_text())
    [step] = [s for s in action["runs"]["steps"] if "ci/run.sh" in s.get("run", "")]
    passed = " ".join(step["env"].values())
    used = set(re.findall(r"inputs\.([\w-]+)", passed)) | {"python-version"}
    assert used == set(action["inputs"])
    assert [s for s in action["runs"]["steps"] if "${{" in s.get("run", "")] == []
    script = (ROOT / "ci" / "run.sh").read_text()
    assert {n for n in step["env"] if n.startswith("UNMOOR_CI_")} == set(re.findall(r"\bUNMOOR_CI_[A-Z_]+", script))
