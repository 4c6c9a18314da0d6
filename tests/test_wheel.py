"""The wheel: complete, and enough by itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
pytestmark = [pytest.mark.wheel, pytest.mark.slow]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from what is tracked by git, as a release is."""
    folder = tmp_path_factory.mktemp("wheel")
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout.split(b"\0")
    for name in filter(None, (f.decode() for f in files)):
        if (ROOT / name).is_file():
            target = folder / "source" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(folder)]
    subprocess.run([*command, str(folder / "source")], check=True, capture_output=True)
    return next(folder.glob("unmoor-*.whl"))


def test_the_wheel_holds_every_module_and_file_that_is_tracked(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    listed = subprocess.run(["git", "ls-files", "src", "targets", "stacks"], cwd=ROOT, check=True, capture_output=True)
    expected = set()
    for name in listed.stdout.decode().split():
        if name.endswith((".py", ".yaml", ".md", ".json", ".txt", "Dockerfile", "py.typed")):
            inside = name.removeprefix("src/")
            expected.add(inside if name.startswith("src/") else f"unmoor/{inside}")
    assert expected - held == set()


def test_a_clean_environment_compiles_an_example_from_the_wheel(wheel: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", f"{wheel}[vm]"], check=True, capture_output=True)
    example = tmp_path / "hello"
    subprocess.run([str(tmp_path / "venv" / "bin" / "unmoor"), "init", str(example)], check=True, capture_output=True)
    unmoor = [str(tmp_path / "venv" / "bin" / "unmoor")]
    graph = subprocess.run(
        [*unmoor, "graph", str(example), "-t", "vm-docker", "--json"], capture_output=True, text=True, cwd=tmp_path
    )
    assert graph.returncode == 0, graph.stderr
    assert len(json.loads(graph.stdout)) > 20
    other = subprocess.run(
        [*unmoor, "graph", str(example), "-t", "aws-ecs"], capture_output=True, text=True, cwd=tmp_path
    )
    assert (other.returncode, other.stderr) == (1, "target aws-ecs needs pulumi_aws: pip install 'unmoor[aws]'\n")
    dev = subprocess.run([*unmoor, "dev", str(example), "--once", "x"], capture_output=True, text=True, cwd=tmp_path)
    assert dev.returncode == 1
    assert dev.stderr.startswith("unmoor dev needs aiohttp, ")
    assert dev.stderr.endswith("; run pip install 'unmoor[runtime]'\n")
    subprocess.run(
        [str(python), "-m", "pip", "install", "--quiet", f"{wheel}[runtime]"], check=True, capture_output=True
    )
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path / "home")}
    dev = subprocess.run(
        [*unmoor, "dev", str(example), "--once", "x"], capture_output=True, text=True, cwd=tmp_path, env=environment
    )
    assert dev.stdout.splitlines()[-1:] == ["succeeded"], dev.stderr
    project = [*unmoor, "init", str(example), "--pulumi", str(tmp_path / "infra")]
    subprocess.run(project, check=True, capture_output=True, cwd=tmp_path)
    assert (tmp_path / "infra" / "__main__.py").is_file()
    checked = subprocess.run(
        [*unmoor, "check", str(example), "-t", "aws-ecs"], capture_output=True, text=True, cwd=tmp_path
    )
    assert checked.returncode == 0, checked.stderr
