"""An agent that is found by what its deployment left: an engine that says a state that is laid out, and a real gateway."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from forked import UNMOOR
from gateways import TOKEN, Client, gateway
from processes import free_port

from unmoor.container import READY_PATH

pytestmark = pytest.mark.slow

SPEC = {
    "version": 1,
    "name": "agent",
    "harness": {"name": "command", "command": ["cat"]},
    "targets": {"vm-docker": {"host": "local"}},
}
PULUMI = """#!{python}
import pathlib, sys
print((pathlib.Path(sys.argv[0]).parent / "state").read_text())
"""
SECRET = "4dabf18193072939515e22adb298388d"


def deployed(folder: Path, url: str, *, token: str = TOKEN, **outputs: str) -> None:
    """What `up` leaves: the stack's folder, and a state with outputs in it."""
    (folder / "unmoor.yaml").write_text(json.dumps(SPEC))
    shown = {"url": url, "store_url": "s3://the-store", "gateway": "g", "image": "i", "bundle": "b", **outputs}
    root = {"type": "pulumi:pulumi:Stack", "urn": "urn:pulumi:s::agent::pulumi:pulumi:Stack::agent-s"}
    container = "docker:index/container:Container"
    made = {"type": container, "urn": f"urn:pulumi:s::agent::{container}::agent-gateway-0", "custom": True}
    secret = {SECRET: "1b47061264138c4ac30d75fd1eb44270", "plaintext": json.dumps(token)}
    state = {"deployment": {"resources": [{**root, "outputs": {**shown, "token": secret}}, made]}}
    (folder / "bin").mkdir(exist_ok=True)
    (folder / "bin" / "state").write_text(json.dumps(state))
    (folder / "bin" / "pulumi").write_text(PULUMI.format(python=sys.executable))
    (folder / "bin" / "pulumi").chmod(0o755)
    for stack in ("default.vm-docker", "prod.vm-docker"):
        place = folder / "data" / "stacks" / "agent" / stack
        place.mkdir(parents=True, exist_ok=True)
        (place / "Pulumi.yaml").write_text("name: agent\n")


def unmoor(folder: Path, *arguments: str, **env: str) -> Any:
    path = os.pathsep.join([str(folder / "bin"), os.environ["PATH"]])
    environment = {"PATH": path, "HOME": str(folder), "UNMOOR_DATA": str(folder / "data"), **env}
    command = [*UNMOOR, *arguments]
    return subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, timeout=60)


def test_its_gateway_is_asked_with_the_token_of_the_outputs(tmp_path: Path) -> None:
    async def act() -> None:
        async with gateway(tmp_path) as client:
            deployed(tmp_path, client.url)
            started = await asyncio.to_thread(unmoor, tmp_path, "trigger", "do it", UNMOOR_TOKEN="another")
            assert (started.returncode, started.stderr) == (0, "")
            listed = await asyncio.to_thread(unmoor, tmp_path, "runs", "-t", "vm-docker", "--json")
            assert [each["id"] for each in json.loads(listed.stdout)] == [started.stdout.strip()]

    asyncio.run(act())


def test_a_token_that_the_gateway_does_not_take_says_where_it_is_from(tmp_path: Path) -> None:
    async def act() -> None:
        async with gateway(tmp_path) as client:
            deployed(tmp_path, client.url, token="of another deployment")
            done = await asyncio.to_thread(unmoor, tmp_path, "runs")
            assert (done.returncode, done.stdout) == (1, "")
            assert done.stderr == (
                f"{client.url}: rejected the token of vm-docker's outputs: unmoor up sets it again\n"
            )

    asyncio.run(act())


def test_a_gateway_that_is_down_leaves_its_store_to_be_asked(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    deployed(tmp_path, url)
    done = unmoor(tmp_path, "runs")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"{url}: nothing answers (Connection refused); is the gateway up? --store s3://the-store reads the store itself\n"
    )


def test_a_store_that_is_a_folder_of_another_machines_is_not_offered(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    deployed(tmp_path, url, store_url="file:///store", logs="docker logs agent-default-gateway-0")
    assert unmoor(tmp_path, "runs").stderr == (
        f"{url}: nothing answers (Connection refused); is the gateway up? "
        "its log: docker logs agent-default-gateway-0\n"
    )


def test_an_environment_that_the_spec_does_not_declare_is_refused(tmp_path: Path) -> None:
    deployed(tmp_path, "http://127.0.0.1:1")
    done = unmoor(tmp_path, "runs", "-e", "prod")
    assert done.returncode == 2
    assert "environment prod is not declared" in done.stderr


def test_verify_says_each_step_as_json_and_what_is_wrong_in_the_exit_code(tmp_path: Path) -> None:
    async def act() -> None:
        async with gateway(tmp_path) as client:
            deployed(tmp_path, client.url, bundle=await bundle_of(client), image="unmoor/none:x")
            verified = ("verify", "--json", "--no-self-test", "--timeout", "5s")
            done = await asyncio.to_thread(unmoor, tmp_path, *verified, DOCKER_HOST="")
            [line] = map(json.loads, done.stdout.splitlines())
            # Where there is no Docker the machine is what is wrong, and else its image.
            assert (done.returncode, line["event"], line["topic"], line["state"]) == (
                1,
                "verified",
                "revision",
                "wrong",
            )

    asyncio.run(act())


async def bundle_of(client: Client) -> str:
    return (await client.get(READY_PATH)).json["bundle"]


def test_the_commands_need_no_more_than_the_base_installation() -> None:
    """Somebody who only operates an agent has neither the server's libraries nor a cloud's."""
    libraries = ("aiohttp", "azure", "botocore", "google", "h11", "obstore", "opentelemetry", "prometheus_client")
    absent = (*libraries, "genai_prices", "pulumi", "starlette", "uvicorn", "zstandard")
    code = f"""
import importlib, sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {absent!r}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
commands = ["trigger", "runs", "logs", "cancel", "deliveries", "verify", "doctor"]
targets = ["aws_ecs", "azure_container_apps", "gcp_cloud_run", "vm_docker"]
for command in commands: importlib.import_module("unmoor.cli.commands." + command)
for target in targets:
    for part in ("serving", "doctor"): importlib.import_module(f"unmoor.targets.{{target}}.{{part}}")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
