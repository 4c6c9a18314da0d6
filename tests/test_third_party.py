"""Targets of other distributions, installed by pip and found by entry point."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from forked import UNMOOR

from unmoor.plan.bundle import pack
from unmoor.runtime.state.keys import bundle_key
from unmoor.runtime.store import open_store
from unmoor.spec.load import load

ROOT = Path(__file__).resolve().parents[1]
FIXTURES = ROOT / "tests" / "fixtures"
NIMBUS = str(FIXTURES / "nimbus" / "tests")
HELLO = str(ROOT / "examples" / "01-hello")
pytestmark = pytest.mark.wheel


def installed(name: str, folder: Path) -> Path:
    """The fixture's distribution, built and installed into a folder that is put on the path."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    # A copy is built: setuptools leaves its work beside the sources.
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
def nimbus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return installed("nimbus", tmp_path_factory.mktemp("nimbus"))


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


@pytest.mark.parametrize("name", ["one-box", "nimbus"])
def test_a_strangers_target_passes_the_suite_that_it_inherits(name: str, request: pytest.FixtureRequest) -> None:
    tests = FIXTURES / name / "tests"
    environment = {**os.environ, "PYTHONPATH": str(request.getfixturevalue(name.replace("-", "_")))}
    alone = ["-q", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(tests), str(tests)]
    command = [sys.executable, "-m", "pytest", *alone]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tests)
    assert done.returncode == 0, done.stdout


def test_a_strangers_cloud_has_a_graph_of_its_own_sdk(nimbus: Path) -> None:
    done = unmoor(nimbus, "graph", NIMBUS, "-t", "nimbus", "--json")
    assert done.returncode == 0, done.stderr
    resources = {r["name"]: r for r in json.loads(done.stdout)}
    gateway = resources["hello-gateway"]["inputs"]["environment"]
    assert gateway["UNMOOR_STORE"].startswith("s3://hello-")
    assert gateway["UNMOOR_LAUNCHER"] == "service"
    assert gateway["UNMOOR_LAUNCHER_CONFIG"].startswith('{"url": "https://hello-')


def test_a_strangers_cloud_is_compared_with_the_shipped_ones_by_its_prices(nimbus: Path) -> None:
    done = unmoor(nimbus, "compare", NIMBUS, "-t", "nimbus", "--json")
    assert done.returncode == 0, done.stderr
    [column] = json.loads(done.stdout)
    assert (column["cost"]["kinds"]["fixed"], column["cost"]["lines"][0]["what"]) == ("14.60", "the gateway")


def test_init_writes_a_strangers_example_and_a_project_for_it(nimbus: Path, tmp_path: Path) -> None:
    assert unmoor(nimbus, "init", str(tmp_path / "spec")).returncode == 0
    assert "  nimbus: {zone: sky-1}\n" in (tmp_path / "spec" / "unmoor.yaml").read_text()
    done = unmoor(nimbus, "init", NIMBUS, "--pulumi", str(tmp_path / "project"), "-t", "nimbus")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "project" / "requirements.txt").read_text() == "unmoor[all]\nunmoor-nimbus\n"


def test_an_override_of_a_strangers_resource_is_checked_against_its_sdk(nimbus: Path, tmp_path: Path) -> None:
    override = "overrides: [{type: 'nimbus:index:Service', name: '*', set: {colour: red}}]"
    spec = Path(NIMBUS, "unmoor.yaml").read_text().replace("zone: sky-1", f"zone: sky-1, {override}")
    (tmp_path / "unmoor.yaml").write_text(spec)
    done = unmoor(nimbus, "graph", str(tmp_path), "-t", "nimbus")
    assert (done.returncode, "colour" in done.stderr) == (2, True)


def test_a_strangers_sdk_that_is_missing_is_named_with_what_to_install(nimbus: Path, tmp_path: Path) -> None:
    shutil.copytree(nimbus, tmp_path / "site", ignore=shutil.ignore_patterns("pulumi_nimbus"))
    done = unmoor(tmp_path / "site", "graph", NIMBUS, "-t", "nimbus")
    assert done.stderr == "target nimbus needs pulumi_nimbus: pip install 'unmoor-nimbus[sdk]'\n"


def test_the_doctor_of_a_strangers_cloud_is_asked(nimbus: Path) -> None:
    done = unmoor(nimbus, "doctor", "-t", "nimbus")
    assert "install it from https://nimbus.example/cli" in done.stdout + done.stderr


def test_a_gateway_starts_a_run_through_a_strangers_launcher(nimbus: Path, tmp_path: Path) -> None:
    plan = load(Path(NIMBUS)).plan
    archive = pack(plan)
    digest = hashlib.sha256(archive).hexdigest()
    asyncio.run(open_store(tmp_path.as_uri()).put_if_absent(bundle_key(digest), archive))
    with process(["-m", "unmoor_nimbus.launcher", "0"], {"PYTHONPATH": str(nimbus)}) as launcher:
        assert launcher.stdout is not None
        service = f"http://127.0.0.1:{launcher.stdout.readline().strip()}"
        environment = {
            "UNMOOR_STORE": tmp_path.as_uri(),
            "UNMOOR_BUNDLE": digest,
            "UNMOOR_LAUNCHER": "service",
            "UNMOOR_LAUNCHER_CONFIG": json.dumps({"url": service}),
            "UNMOOR_GATEWAY_BIND": "127.0.0.1",
            "UNMOOR_GUARD_URL": "http://127.0.0.1:1",
            "PORT": str(free_port()),
            **{secret.variable: f"value-of-{secret.name}" for secret in plan.secrets},
        }
        with process(["-m", "unmoor.runtime", "serve"], environment):
            gateway = f"http://127.0.0.1:{environment['PORT']}"
            until(lambda: ask(f"{gateway}/readyz") is not None)
            token = environment[plan.secret(plan.gateway.token).variable]
            run = ask(f"{gateway}/runs", {"prompt": "hello"}, token)["id"]
            until(lambda: [r["run"] for r in ask(f"{service}/runs")["runs"]] == [run])
            ask(f"{gateway}/runs/{run}/cancel", {}, token)
            until(lambda: [r["ended"] for r in ask(f"{service}/runs")["runs"]] == [True])


@contextlib.contextmanager
def process(arguments: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    everything = {"PATH": os.environ["PATH"], **environment}
    with subprocess.Popen([sys.executable, *arguments], env=everything, stdout=subprocess.PIPE, text=True) as running:
        try:
            yield running
        finally:
            running.kill()


def ask(url: str, body: object = None, token: str = "") -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read() or "{}")


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while True:
        with contextlib.suppress(OSError):
            if holds():
                return
        assert time.monotonic() < deadline
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


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
