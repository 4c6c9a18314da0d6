"""Targets of other distributions, installed by pip and found by entry point."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from forked import UNMOOR

ROOT = Path(__file__).resolve().parents[1]
FIXTURES = ROOT / "tests" / "fixtures"
HELLO = str(ROOT / "examples" / "01-hello")
pytestmark = pytest.mark.wheel


def installed(name: str, folder: Path) -> Path:
    """The fixture's distribution, built and installed into a folder that is put on the path."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    # A copy is built: setuptools leaves its work beside the sources.
    import shutil

    shutil.copytree(FIXTURES / name, folder / "source")
    subprocess.run(
        [*command, "--target", str(folder / "site"), str(folder / "source")], check=True, capture_output=True
    )
    return folder / "site"


def unmoor(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(site)}
    return subprocess.run([*UNMOOR, *arguments], capture_output=True, text=True, env=environment)


@pytest.fixture(scope="module")
def one_box(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return installed("one-box", tmp_path_factory.mktemp("one-box"))


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return installed("broken", tmp_path_factory.mktemp("broken"))


def test_the_fixture_is_the_target_of_the_docs() -> None:
    page = (ROOT / "docs" / "adding-a-target.md").read_text()
    files = [p for p in (FIXTURES / "one-box").rglob("*") if p.is_file() and p.suffix in (".py", ".toml", ".yaml")]
    assert len(files) >= 7
    assert [p.name for p in files if f"\n{p.read_text()}```" not in page] == []


def test_a_strangers_target_is_listed_and_compiles(one_box: Path) -> None:
    listed = {t["name"]: t for t in json.loads(unmoor(one_box, "targets", "--json").stdout)}
    assert listed["one-box"]["distribution"].startswith("unmoor-one-box ")
    done = unmoor(one_box, "graph", str(FIXTURES / "one-box" / "tests"), "-t", "one-box", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)


def test_a_strangers_target_says_what_it_costs(one_box: Path) -> None:
    done = unmoor(one_box, "compare", str(FIXTURES / "one-box" / "tests"), "-t", "one-box", "--json")
    assert done.returncode == 0, done.stderr
    [column] = json.loads(done.stdout)
    assert (column["cost"]["kinds"]["fixed"], column["cost"]["lines"][0]["what"]) == ("7.30", "electricity")


def test_a_strangers_target_passes_the_suite_that_it_inherits(one_box: Path) -> None:
    tests = FIXTURES / "one-box" / "tests"
    environment = {**os.environ, "PYTHONPATH": str(one_box)}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-c",
        os.devnull,
        "--rootdir",
        str(tests),
    ]
    done = subprocess.run([*command, str(tests)], capture_output=True, text=True, env=environment, cwd=tests)
    assert done.returncode == 0, done.stdout


def test_a_broken_target_is_named_with_its_distribution(broken: Path) -> None:
    done = unmoor(broken, "graph", HELLO, "-t", "broken")
    assert done.returncode == 1
    assert done.stderr == (
        "target 'broken' from unmoor-broken 0.3.0 failed to import: RuntimeError: this target was left half done\n"
    )


def test_a_broken_target_harms_no_other(broken: Path) -> None:
    assert unmoor(broken, "graph", HELLO, "-t", "aws-ecs").returncode == 0
    listed = {t["name"]: t["problem"] for t in json.loads(unmoor(broken, "targets", "--json").stdout)}
    assert "half done" in listed["broken"]
    assert listed["gcp-cloud-run"] == ""


def test_a_name_that_two_distributions_claim_is_refused_and_not_overwritten(broken: Path) -> None:
    done = unmoor(broken, "graph", HELLO, "-t", "vm-docker")
    assert done.returncode == 1
    assert "target 'vm-docker' is offered by unmoor 0.1.0 and unmoor-broken 0.3.0; uninstall one of them" in done.stderr
