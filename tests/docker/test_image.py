"""The shipped image, built for real, with each harness run in it as a target runs it."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trustme
from command import docker

from unmoor.local_folders import cache_folder
from unmoor.plan.bundle import pack
from unmoor.plan.image_recipe import image_context
from unmoor.runtime.harness.versions import HARNESS_VERSIONS
from unmoor.runtime.state import keys
from unmoor.runtime.state.run_record import RunRecord, create_run_record, from_json
from unmoor.runtime.store import Store, open_store
from unmoor.spec.make_plan import make_plan
from unmoor.spec.models import Spec

KEY = "sk-real-key-of-the-provider"
MODELS = {
    "claude-code": ("anthropic", "claude-sonnet-5", ""),
    "codex": ("openai", "gpt-5.5", "/v1"),
    "opencode": ("anthropic", "claude-sonnet-5", ""),
    "pi": ("anthropic", "claude-sonnet-5", ""),
}
FENCED = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--tmpfs", "/tmp")
# The tests' model server in a container of its own, saying what the scripts of the tests say.
SERVE_MODEL = """
import ssl, sys, time
sys.path[:0] = ["/tests/runtime", "/opt/unmoor", "/opt/unmoor/libraries"]
from model_server import Shell, Text, model_server
import model_server as m
attack = "(timeout 3 bash -c 'exec 3<>/dev/tcp/model/8000' 2>&1 || true) | head -1 > out/direct"
script = [Shell(f"mkdir -p out; printf written > out/file; touch /root-is-read-only 2> out/root; {attack}"), Text("All of it is done.")]
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain("/tls/model.pem")
with model_server(*script, host="0.0.0.0", port=8000, tls=tls) as server:
    print("ready", flush=True)
    time.sleep(3600)
"""


@dataclass
class Machine:
    """A machine's networks and store, as vm-docker makes them: runs reach the guard, and the guard reaches out."""

    name: str
    folder: Path

    @property
    def store(self) -> Store:
        return open_store((self.folder / "store").as_uri())


@pytest.fixture
def machine(base: str, tmp_path: Path) -> Iterator[Machine]:
    made = Machine(name=f"unmoor-test-{uuid.uuid4().hex[:8]}", folder=tmp_path)
    docker("network", "create", "--internal", f"{made.name}-runs")
    docker("network", "create", f"{made.name}-out")
    (tmp_path / "store").mkdir()
    (tmp_path / "tls").mkdir()
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "tls" / "ca.pem"))
    authority.issue_cert("model").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "tls" / "model.pem"))
    os.chown(tmp_path / "store", 10001, 10001)
    for folder in (tmp_path, *tmp_path.parents[:3]):
        with contextlib.suppress(PermissionError):
            folder.chmod(folder.stat().st_mode | 0o055)
    try:
        yield made
    finally:
        left = docker("ps", "--all", "--quiet", "--filter", f"name={made.name}").stdout.split()
        if left:
            docker("rm", "--force", "--volumes", *left)
        docker("network", "rm", f"{made.name}-runs", f"{made.name}-out", check=False)


@pytest.fixture(scope="module", params=sorted(MODELS))
def image(request: pytest.FixtureRequest, base: str) -> tuple[str, str]:
    """A harness and the image that holds it."""
    harness = request.param
    name = f"unmoor-test/{harness}"
    arguments = {"BASE": base, "HARNESS": harness, "HARNESS_VERSION": HARNESS_VERSIONS[harness]}
    given = [part for key, value in arguments.items() for part in ("--build-arg", f"{key}={value}")]
    docker("build", *given, "--tag", name, str(image_context(cache_folder())))
    return harness, name


def test_a_harness_runs_in_its_image_with_nothing_but_the_guard(image: tuple[str, str], machine: Machine) -> None:
    harness, name = image
    bundle, run = asyncio.run(queued(machine.store, harness))
    give(machine.folder / "store")
    start(machine, "model", f"{machine.name}-out", name, "model", serving_model())
    start(machine, "guard", f"{machine.name}-runs", name, "guard", guarding(bundle))
    docker("network", "connect", f"{machine.name}-out", f"{machine.name}-guard")
    record = from_json(ran(machine, name, bundle, run))
    assert record.status == "succeeded", told(machine, run)
    assert record.confinement == "enforced by landlock+seccomp"
    assert record.cost_usd is not None
    kept = {a.path: (machine.folder / "store" / keys.artifact_key(run, a.path)).read_text() for a in record.artifacts}
    assert kept["out/file"] == "written"
    assert "Read-only file system" in kept["out/root"] or "Permission denied" in kept["out/root"]
    assert "connect" not in kept["out/direct"] or "denied" in kept["out/direct"]
    store = machine.folder / "store"
    everything = "".join(p.read_bytes().decode(errors="replace") for p in store.rglob("*") if p.is_file())
    assert KEY not in everything


def told(machine: Machine, run: str) -> str:
    """A run's events, for a test that fails."""
    folder = machine.folder / "store" / keys.events_prefix(run)
    logs = [docker("logs", f"{machine.name}-{role}", check=False) for role in ("guard", "model")]
    return "".join(log.stdout + log.stderr for log in logs) + "".join(
        p.read_text() for p in sorted(folder.glob("*.ndjson"))
    )


def ran(machine: Machine, name: str, bundle: str, run: str) -> bytes:
    environment = {**common(bundle), "UNMOOR_GUARD_URL": "http://guard:8790"}
    done = docker(
        *("run", "--rm", "--name", f"{machine.name}-run", *FENCED, "--network", f"{machine.name}-runs"),
        *("--memory", "2g", "--pids-limit", "512", "--volume", f"{machine.folder / 'store'}:/store"),
        *(part for key, value in environment.items() for part in ("--env", f"{key}={value}")),
        *(name, "run", run),
        check=False,
    )
    stored = asyncio.run(machine.store.get(keys.run_record_key(run)))
    assert stored is not None
    assert b"queued" not in stored.content, done.stdout + done.stderr
    return stored.content


def start(machine: Machine, role: str, network: str, name: str, alias: str, arguments: list[str]) -> None:
    docker(
        *("run", "--detach", "--name", f"{machine.name}-{role}", "--network", network, "--network-alias", alias),
        *(*FENCED, "--volume", f"{machine.folder / 'store'}:/store", "--volume", f"{machine.folder / 'tls'}:/tls:ro"),
        *(a.replace("IMAGE", name) for a in arguments),
    )


def guarding(bundle: str) -> list[str]:
    environment = {**common(bundle), "UNMOOR_SECRET_MODEL_KEY": KEY, "SSL_CERT_FILE": "/tls/ca.pem"}
    return [*(part for key, value in environment.items() for part in ("--env", f"{key}={value}")), "IMAGE", "guard"]


def serving_model() -> list[str]:
    tests = Path(__file__).resolve().parents[1]
    return ["--volume", f"{tests}:/tests:ro", "--entrypoint", "python3", "IMAGE", "-c", SERVE_MODEL]


def common(bundle: str) -> dict[str, str]:
    return {"UNMOOR_STORE": "file:///store", "UNMOOR_BUNDLE": bundle}


async def queued(store: Store, harness: str) -> tuple[str, str]:
    """The agent's bundle in the store, and a run of it that waits."""
    provider, model, path = MODELS[harness]
    spec: dict[str, Any] = {
        "version": 1,
        "name": "agent",
        "harness": {"name": harness},
        "model": {
            "provider": provider,
            "name": model,
            "api_key": "model-key",
            "base_url": f"https://model:8000{path}",
        },
        "run": {"artifacts": ["out/**"], "timeout": "3m"},
        "secrets": {"model-key": {"env": "K"}},
    }
    archive = pack(make_plan(Spec.model_validate(spec)))
    digest = hashlib.sha256(archive).hexdigest()
    await store.put(keys.bundle_key(digest), archive)
    now = datetime.now(UTC)
    record = RunRecord(
        id=keys.run_id(now),
        agent="agent",
        environment="default",
        bundle=digest,
        status="queued",
        trigger="api",
        kind="api",
        prompt="Write the file.",
        session="",
        harness=harness,
        harness_version=HARNESS_VERSIONS[harness],
        provider=provider,
        model=model,
        created_at=now,
    )
    await create_run_record(store, record)
    return digest, record.id


def give(folder: Path) -> None:
    """The store to the image's user."""
    for path in (folder, *folder.rglob("*")):
        shutil.chown(path, 10001, 10001)
