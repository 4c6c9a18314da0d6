"""What `unmoor dev --docker` and `unmoor build` ask of Docker, as command lines."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from unmoor.cli.app import app
from unmoor.cli.commands.build import arguments
from unmoor.cli.inputs.requirements import require_linux
from unmoor.dev.docker_run import LocalContainers
from unmoor.errors import UnmoorError
from unmoor.plan import Plan
from unmoor.plan.image_recipe import ImageRecipe
from unmoor.spec.make_plan import make_plan
from unmoor.spec.models import Spec

CONTAINERS = LocalContainers(name="c", image="i", bundle="ab", store=Path("/store-here"), user="5:6")


def plan(base: dict[str, Any]) -> Plan:
    parts = {
        "harness": {"name": "pi"},
        "model": {"provider": "anthropic", "name": "m", "api_key": "model-key"},
        "context": {"repos": [{"url": "https://github.com/o/r", "credential": "token"}]},
        "secrets": {"model-key": {"env": "A"}, "token": {"env": "B"}},
        "resources": {"cpu": 1.5, "memory": "3Gi"},
    }
    return make_plan(Spec.model_validate({**base, **parts}))


def pairs(command: list[str], option: str) -> list[str]:
    return [value for key, value in pairwise(command) if key == option]


def test_the_guard_alone_is_given_the_model_key_and_the_way_out(base_spec: dict[str, Any]) -> None:
    made = plan(base_spec)
    start, connect = CONTAINERS.guard(made)
    run = CONTAINERS.run(made, "run-1")
    assert "UNMOOR_SECRET_MODEL_KEY" in pairs(start, "--env")
    assert "UNMOOR_SECRET_TOKEN" not in pairs(start, "--env")
    assert "UNMOOR_SECRET_MODEL_KEY" not in pairs(run, "--env")
    assert "UNMOOR_SECRET_TOKEN" in pairs(run, "--env")
    assert connect == ["network", "connect", "c-out", "c-guard"]
    assert pairs(run, "--network") == ["c-runs"]


def test_the_guard_and_the_run_are_given_the_same_key_for_tokens(base_spec: dict[str, Any]) -> None:
    made = plan(base_spec)
    for command in (CONTAINERS.guard(made)[0], CONTAINERS.run(made, "run-1")):
        assert "UNMOOR_SECRET_RUN_TOKEN_KEY" in pairs(command, "--env")
        assert CONTAINERS.run_key not in " ".join(command)
    template = CONTAINERS.template(made, {"token": "t"})
    assert f"UNMOOR_SECRET_RUN_TOKEN_KEY={CONTAINERS.run_key}" in template.container["Env"]
    assert CONTAINERS.run_key not in repr(CONTAINERS)


def test_both_are_fenced_and_the_run_has_the_plans_size(base_spec: dict[str, Any]) -> None:
    made = plan(base_spec)
    for command in (CONTAINERS.guard(made)[0], CONTAINERS.run(made, "run-1")):
        assert pairs(command, "--cap-drop") == ["ALL"]
        assert pairs(command, "--security-opt") == ["no-new-privileges:true"]
        assert pairs(command, "--user") == ["5:6"]
        assert "--read-only" in command
        assert pairs(command, "--memory-swap") == pairs(command, "--memory")
        assert pairs(command, "--log-driver") == ["json-file"]
        assert "--privileged" not in command
    run = CONTAINERS.run(made, "run-1")
    assert (pairs(run, "--memory"), pairs(run, "--cpus")) == ([str(3072 * 1024 * 1024)], ["1.5"])
    assert run[-3:] == ["i", "run", "run-1"]


def test_runs_are_on_a_network_that_leads_nowhere() -> None:
    assert CONTAINERS.networks() == [
        ["network", "create", "--internal", "c-runs"],
        ["network", "create", "c-out"],
    ]


@pytest.mark.parametrize("base", ["", "my-base"])
def test_an_image_is_built_from_its_recipe(base: str) -> None:
    how = ImageRecipe(folder="/f", arguments=(("HARNESS", "pi"),), platform="linux/arm64", tag="t")
    given = ["--build-arg", "HARNESS=pi", *(["--build-arg", "BASE=my-base"] if base else [])]
    assert arguments(how, name="n", base=base) == [
        "docker",
        "build",
        "--platform",
        "linux/arm64",
        *given,
        "--tag",
        "n",
        "/f",
    ]


def invoke(*arguments: str, path: str | None = None) -> Any:
    environment = {} if path is None else {"PATH": path}
    return CliRunner().invoke(app, list(arguments), env=environment)


def written(folder: Path, text: str) -> str:
    (folder / "unmoor.yaml").write_text(text)
    return str(folder)


SMALL = "version: 1\nname: agent\nharness: {name: command, command: [cat]}\n"


def test_an_image_that_is_a_reference_is_not_built(tmp_path: Path) -> None:
    result = invoke("build", written(tmp_path, SMALL + "image: registry.example.com/a:1\n"))
    assert result.output == "registry.example.com/a:1 is used unchanged; nothing to build\n"


def test_without_docker_one_line_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNMOOR_CACHE", str(tmp_path / "cache"))
    result = invoke("build", written(tmp_path, SMALL), path=str(tmp_path))
    assert str(result.exception) == "docker is not installed; install it, or drop the option that needs it"


def test_a_store_that_is_no_folder_is_refused_with_docker(tmp_path: Path) -> None:
    result = invoke("dev", written(tmp_path, SMALL), "--docker", "--once", "x", "--store", "s3://bucket")
    assert str(result.exception) == (
        "--docker needs a store in a local folder, not s3://bucket; write file:///a/folder"
    )


def test_docker_and_install_exclude_each_other(tmp_path: Path) -> None:
    result = invoke("dev", written(tmp_path, SMALL), "--docker", "--install", "--once", "x")
    assert result.exit_code == 2
    assert "the image contains the harness; pass --docker or --install, not both" in result.output


def test_a_system_without_a_fence_is_refused_with_the_way_out() -> None:
    with pytest.raises(UnmoorError) as raised:
        require_linux("darwin")
    assert str(raised.value) == ("unmoor dev needs Linux to sandbox the harness, and this is darwin; add --docker")
