"""The program under plain `pulumi up`: what to deploy, and where, is config."""

from __future__ import annotations

from pathlib import Path

import pulumi
import pytest

from unmoor.errors import InputError
from unmoor.plan import Secret
from unmoor.recording.common_stand_ins import COMMON
from unmoor.recording.record import record
from unmoor.stacks.config import deploy_from_config, secret_value
from unmoor.target.registry import load

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
TRIAGE = str(ROOT / "examples" / "02-issue-triage")


def deployed(spec: str, target: str, stack: str = "prod", **config: str):
    """The recording of the program under this config."""
    values = {"unmoor:spec": spec, "unmoor:target": target, **{f"unmoor:{k}": v for k, v in config.items()}}

    def program() -> None:
        pulumi.runtime.set_all_config(values, secret_keys=["unmoor:githubWebhookSecret"])
        deploy_from_config()

    return record(program, stand_ins=COMMON | load(target).stand_ins(), project="triage", stack=stack)


@pytest.fixture(autouse=True)
def secrets_of_the_deployer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "value-of-the-model-key")
    monkeypatch.setenv("GITHUB_TOKEN", "value-of-the-github-token")


@pytest.mark.parametrize("target", ["aws-ecs", "azure-container-apps", "gcp-cloud-run", "vm-docker"])
def test_switching_the_cloud_is_one_value_and_no_secret_is_plain(target: str) -> None:
    recording = deployed(TRIAGE, target, githubWebhookSecret="value-of-the-hook-secret")
    assert recording.resources[0]
    assert set(recording.outputs) >= {"url", "store_url", "token", "bundle"}
    assert [t for t in recording.plain_texts if "value-of-the-" in t] == []


def test_the_stacks_name_is_the_environment_unless_it_is_set() -> None:
    hook = {"githubWebhookSecret": "x"}
    [cluster] = [r for r in deployed(TRIAGE, "aws-ecs", **hook).resources if r.kind == "Cluster"]
    assert cluster.inputs["name"] == "issue-triage-prod"
    with pytest.raises(InputError, match="environment staging is not declared"):
        deployed(TRIAGE, "aws-ecs", stack="staging", **hook)


def test_a_secret_that_is_not_there_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_TOKEN")
    with pytest.raises(
        InputError, match=r"secrets\.github-token: env:GITHUB_TOKEN has no value; set the variable GITHUB_TOKEN"
    ):
        deployed(TRIAGE, "aws-ecs", githubWebhookSecret="x")


def test_a_refused_plan_makes_nothing() -> None:
    with pytest.raises(InputError, match="Europe/Paris has daylight saving time"):
        deployed(str(ROOT / "examples" / "06-everything"), "azure-container-apps")


def test_a_secret_file_is_read_beside_the_spec_without_its_last_line_break(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("two\nlines\n")
    secret = Secret(name="a", source="file", reference="s", holders=("run",))
    found: list[str] = []

    def program() -> None:
        secret_value(secret, folder=tmp_path).apply(found.append)

    record(program)
    assert found == ["two\nlines"]


def test_a_secret_file_that_is_no_text_is_refused_as_on_ones_own_machine(tmp_path: Path) -> None:
    (tmp_path / "s").write_bytes(b"\xff\xfe")
    secret = Secret(name="a", source="file", reference="s", holders=("run",))
    with pytest.raises(InputError, match=r"^secrets\.a: .*/s is not UTF-8; a secret must be text$"):
        secret_value(secret, folder=tmp_path)


def test_the_project_is_three_lines_and_config() -> None:
    lines = (ROOT / "stacks" / "agent" / "__main__.py").read_text().split("\n")
    assert len([line for line in lines if line]) <= 3
