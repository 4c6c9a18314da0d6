"""What a deployment left is read quickly where this machine deployed it, and by the workspace otherwise."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from unmoor.stacks import read_outputs
from unmoor.stacks.stack_location import StackLocation, stack_location
from unmoor.target import Outputs

GATEWAY = {
    "urn": "urn:pulumi:default.vm-docker::agent::docker:index/container:Container::agent-gateway-0",
    "type": "docker:index/container:Container",
    "custom": True,
}
ROOT = {
    "urn": "urn:pulumi:default.vm-docker::agent::pulumi:pulumi:Stack::agent-default.vm-docker",
    "type": "pulumi:pulumi:Stack",
    "outputs": {"url": "https://a.example", "bundle": "b"},
}
PULUMI = """#!{python}
import json, os, pathlib, sys
here = pathlib.Path(sys.argv[0]).parent
told = {{name: value for name, value in os.environ.items() if name.startswith("PULUMI_")}}
(here / "asked").write_text(json.dumps([sys.argv[1:], os.getcwd(), told]))
print((here / "state").read_text())
sys.exit(int((here / "code").read_text()))
"""


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StackLocation:
    """A place that this machine has deployed to, and an engine that says what is laid out."""
    monkeypatch.setenv("UNMOOR_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in (
        "PULUMI_ERROR_OUTPUT_STRING",
        "PULUMI_BACKEND_URL",
        "PULUMI_CONFIG_PASSPHRASE",
        "PULUMI_CONFIG_PASSPHRASE_FILE",
    ):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "passphrase").write_text("the passphrase")
    (tmp_path / "pulumi").write_text(PULUMI.format(python=sys.executable))
    (tmp_path / "pulumi").chmod(0o755)
    says(tmp_path, {"deployment": {"resources": [ROOT, GATEWAY]}})
    place = stack_location("agent", None, "vm-docker")
    place.folder.mkdir(parents=True)
    (place.folder / "Pulumi.yaml").write_text("name: agent\n")
    return place


def says(folder: Path, state: Any, code: int = 0) -> None:
    (folder / "state").write_text(state if isinstance(state, str) else json.dumps(state))
    (folder / "code").write_text(str(code))


@pytest.fixture
def asked_the_workspace(monkeypatch: pytest.MonkeyPatch) -> list[StackLocation]:
    found: list[StackLocation] = []

    def ask(place: StackLocation) -> Outputs:
        found.append(place)
        return Outputs(url="by the workspace", store_url="", token="", gateway="", run="", logs="", image="", bundle="")

    monkeypatch.setattr(read_outputs, "_read_by_sdk", ask)
    return found


def test_one_question_is_enough_and_no_secret_is_in_it(
    there: StackLocation, tmp_path: Path, asked_the_workspace: list[StackLocation]
) -> None:
    found = read_outputs.read_outputs(there)
    assert (found.url, found.bundle, asked_the_workspace) == ("https://a.example", "b", [])
    arguments, folder, told = json.loads((tmp_path / "asked").read_text())
    assert arguments == ["--non-interactive", "stack", "export", "--show-secrets", "--stack", "default.vm-docker"]
    assert Path(folder) == there.folder
    assert told == {
        "PULUMI_AUTOMATION_API": "true",
        "PULUMI_BACKEND_URL": there.backend,
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(tmp_path / "data" / "passphrase"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("error: no stack named 'default.vm-docker' found", 255),
        ("no JSON", 0),
        ({"deployment": None}, 0),
        ({"version": 3}, 0),
        ({"deployment": {"resources": [ROOT]}}, 0),
    ],
)
def test_whatever_else_there_is_to_say_the_workspace_says(
    there: StackLocation, tmp_path: Path, asked_the_workspace: list[StackLocation], state: Any, code: int
) -> None:
    says(tmp_path, state, code)
    assert read_outputs.read_outputs(there).url == "by the workspace"
    assert asked_the_workspace == [there]


def test_a_machine_that_has_not_deployed_there_asks_the_workspace(
    there: StackLocation, asked_the_workspace: list[StackLocation]
) -> None:
    (there.folder / "Pulumi.yaml").unlink()
    read_outputs.read_outputs(there)
    assert asked_the_workspace == [there]


def test_what_encrypts_a_shared_state_is_left_to_the_state(
    there: StackLocation, tmp_path: Path, asked_the_workspace: list[StackLocation]
) -> None:
    shared = StackLocation(project=there.project, stack=there.stack, backend="s3://ours")
    assert read_outputs.read_outputs(shared).url == "https://a.example"
    assert "PULUMI_CONFIG_PASSPHRASE_FILE" not in json.loads((tmp_path / "asked").read_text())[2]
