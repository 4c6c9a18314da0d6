"""Two machines that share a backend: each finds what the other has deployed, and neither locks the other out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from real_engine import PASSPHRASE, Engine
from test_commands import HELLO, ON_DOCKER, said, unmoor

pytestmark = pytest.mark.slow

Machine = Callable[[str], None]


@pytest.fixture
def on(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Goes to the machine of that name: a user's own folders, and the backend and passphrase that all share."""

    def go(name: str) -> None:
        monkeypatch.setenv("UNMOOR_DATA", str(engine.folder / name / "data"))
        monkeypatch.setenv("UNMOOR_CACHE", str(engine.folder / name / "cache"))

    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    return go


@pytest.mark.parametrize("command", ["preview", "up"])
def test_a_wrong_passphrase_on_a_new_machine_is_refused_and_the_right_one_works_afterwards(
    on: Machine, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ("--yes", "--no-verify") if command == "up" else ()
    on("first")
    said(unmoor("up", *ON_DOCKER, "--yes", "--no-verify"))
    on("second")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "another")
    refused = unmoor(command, *ON_DOCKER, *options)
    assert refused.returncode == 1
    assert "the state's secrets are encrypted with another passphrase; set PULUMI_CONFIG_PASSPHRASE" in refused.stderr
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", PASSPHRASE)
    said(unmoor(command, *ON_DOCKER, *options))


@pytest.mark.parametrize("target", ["vm-docker", "aws-ecs", "azure-container-apps", "gcp-cloud-run"])
def test_another_machine_changes_nothing(on: Machine, target: str) -> None:
    on("first")
    said(unmoor("up", HELLO, "-t", target, "--yes", "--no-verify"))
    on("second")
    assert "no changes" in said(unmoor("preview", HELLO, "-t", target))
    assert "no changes" in said(unmoor("up", HELLO, "-t", target, "--yes", "--no-verify"))


def test_another_machine_deploys_with_the_config_that_was_set_on_the_first(
    on: Machine, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    triage = (str(Path(HELLO).parent / "02-issue-triage"), "-t", "vm-docker")
    for name in ("ANTHROPIC_API_KEY", "GITHUB_TOKEN"):
        monkeypatch.setenv(name, f"planted-{name}")
    on("first")
    said(unmoor("secrets", "set", "githubWebhookSecret", *triage, given="planted-hook\n"))
    said(unmoor("up", *triage, "--yes", "--no-verify"))
    on("second")
    assert "HAS NO VALUE" not in said(unmoor("secrets", "list", *triage))
    assert "no changes" in said(unmoor("preview", *triage))
    assert "no changes" in said(unmoor("up", *triage, "--yes", "--no-verify"))
    said(unmoor("secrets", "set", "githubWebhookSecret", *triage, given="planted-other"))
    said(unmoor("up", *triage, "--yes", "--no-verify"))
    on("third")
    assert "no changes" in said(unmoor("preview", *triage))
    for name in ("first", "second", "third"):
        files = [path for path in (engine.folder / name).rglob("*") if path.is_file()]
        assert [path for path in files if b"planted-" in path.read_bytes()] == []
    assert "planted-" not in json.dumps(engine.state("issue-triage", "default.vm-docker"))


def test_the_state_has_no_call_stacks_of_the_machine(on: Machine, engine: Engine) -> None:
    on("first")
    said(unmoor("up", *ON_DOCKER, "--yes", "--no-verify"))
    resources = engine.state("hello", "default.vm-docker")
    assert resources
    assert [r["urn"] for r in resources if r.get("sourcePosition") or r.get("stackTrace")] == []
    code = Path(__file__).resolve().parents[2]
    assert [r["urn"] for r in resources if str(code) in json.dumps(r)] == []
