"""The same program under plain `pulumi up`: what to deploy, and where, is the stack's config."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from deploys import ROOT, TARGETS, Deploy
from policy import startable
from pulumi.automation import ConfigValue
from real_engine import Engine

from unmoor.stacks.config import deploy_from_config

CHECKPOINTS = True

HOST = "pulumi-language-python"


@pytest.fixture(autouse=True)
def secrets_of_the_deployer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "planted-value-of-the-model-key")
    monkeypatch.setenv("GITHUB_TOKEN", "planted-value-of-the-github-token")


@pytest.mark.parametrize("target", TARGETS)
def test_config_says_what_to_deploy_and_where(engine: Engine, target: str) -> None:
    stack = engine.stack("agent", "dev", lambda: deploy_from_config() and None)
    stack.set_all_config(
        {
            "unmoor:spec": ConfigValue(value=str(ROOT / "examples" / "02-issue-triage")),
            "unmoor:target": ConfigValue(value=target),
            "unmoor:env": ConfigValue(value="prod"),
            "unmoor:githubWebhookSecret": ConfigValue(value="planted-value-of-the-hook-secret", secret=True),
        }
    )
    deployed = Deploy(engine=engine, agent="agent", stack=stack)
    assert set(deployed.up().changes) == {"create"}
    assert set(deployed.up().changes) == {"same"}
    assert "planted-value-of-" in str([(t.inputs, t.outputs) for t in engine.cloud.things()])
    assert "planted-value-of-" not in engine.kept()


def pulumi(folder: Path, *arguments: str) -> str:
    """Runs the CLI in the folder; what it said."""
    command = ["pulumi", *arguments, "--non-interactive"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def copied(engine: Engine) -> Path:
    """The project and the spec that it names, with the stack that it has config for."""
    project = engine.folder / "stacks" / "agent"
    for part in ("stacks/agent", "examples/01-hello"):
        shutil.copytree(ROOT / part, engine.folder / part)
    pulumi(project, "stack", "init", "prod")
    return project


def test_the_project_and_its_config_are_what_the_engine_takes(engine: Engine) -> None:
    project = copied(engine)
    assert pulumi(project, "config", "get", "unmoor:target") == "vm-docker\n"
    assert (project / pulumi(project, "config", "get", "unmoor:spec").strip()).is_file()


@pytest.mark.engine_cli
def test_the_project_is_deployed_from_its_folder(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which(HOST) is None:
        pytest.skip(f"no {HOST} on PATH")
    monkeypatch.setenv("PATH", os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    project = copied(engine)
    with startable(engine.folder) as pack:
        said = pulumi(project, "preview", "--policy-pack", str(pack), "--json")
        assert set(json.loads(said)["changeSummary"]) == {"create"}
        pulumi(project, "up", "--yes", "--skip-preview", "--policy-pack", str(pack))
    assert "unchanged" in pulumi(project, "up", "--yes", "--skip-preview", "--diff")
    outputs = json.loads(pulumi(project, "stack", "output", "--json"))
    assert outputs["token"] == "[secret]"
    assert outputs["url"].startswith("http")
    pulumi(project, "destroy", "--yes", "--skip-preview")
    assert [t.name for t in engine.cloud.things() if not t.name.startswith("hello-store-")] == []
