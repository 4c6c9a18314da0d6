"""The launcher and a real engine: what a run's container is, and what becomes of it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from command import docker

sys.path[:0] = [str(Path(__file__).parents[1] / "runtime"), str(Path(__file__).parents[1] / "runtime" / "gateway")]

from gateways import until  # noqa: E402
from platforms import Told  # noqa: E402

from unmoor.runtime.errors import UnmoorRuntimeError  # noqa: E402
from unmoor.runtime.gateway.launchers.launcher_service import launcher_service as launched  # noqa: E402
from unmoor.runtime.gateway.launchers.platform import PlatformLauncher  # noqa: E402
from unmoor.runtime.http.server import bind_tcp  # noqa: E402
from unmoor.runtime.launcher.docker_api import Engine  # noqa: E402
from unmoor.runtime.launcher.main import serve_launcher  # noqa: E402
from unmoor.runtime.launcher.run_containers import RunContainers  # noqa: E402
from unmoor.runtime.launcher.run_template import Template, parse_template  # noqa: E402

RUN, OTHER = "run-ybqr5rxvt-5z939m3", "run-ybqr5rxvt-5z939m4"
# Stands for a run: it says what it may do, and ends when it is told to, or by itself where its id ends in 4.
PROGRAM = """
trap 'exit 143' TERM
grep -E 'CapBnd|NoNewPrivs|Seccomp:' /proc/self/status; id -u
touch /x 2>&1; touch /work/file /tmp/file && echo writes; cp /bin/true /tmp/true && /tmp/true && echo executes
ls /sys/class/net; cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max 2>/dev/null
case $1 in *4) exit 3;; esac
sleep 3407 & wait
"""


@dataclass
class Machine:
    """A template on the machine's engine, and its name."""

    template: Template
    name: str

    def containers(self) -> RunContainers:
        return RunContainers(engine=Engine(grace_s=10), template=self.template, look_s=0.2)

    def names(self) -> list[str]:
        return docker("ps", "--all", "--format", "{{.Names}}", "--filter", f"name={self.name}").stdout.split()


@pytest.fixture
def machine(base: str) -> Iterator[Machine]:
    name = f"unmoor-test-{secrets.token_hex(4)}"
    docker("network", "create", "--internal", f"{name}-runs")
    # As the target has it, with another program and smaller.
    golden = (Path(__file__).parents[1] / "golden" / "01-hello.vm-docker.txt").read_text()
    line = next(line for line in golden.splitlines() if "UNMOOR_RUN_TEMPLATE=" in line)
    values = json.loads(json.loads(line.split("= ", 1)[1]).partition("=")[2])
    container = values["container"]
    container |= {"Image": base, "Entrypoint": ["/bin/sh", "-c", PROGRAM]}
    host = container["HostConfig"]
    host |= {"NetworkMode": f"{name}-runs", "Memory": 64 << 20, "MemorySwap": 64 << 20}
    host["Mounts"] = [m for m in host["Mounts"] if m["Target"] == "/work"]
    host["Tmpfs"] |= {"/work": "rw,uid=10001"}
    host["Mounts"] = []
    try:
        yield Machine(parse_template(json.dumps({**values, "name_prefix": name})), name)
    finally:
        for container in docker("ps", "--all", "--quiet", "--filter", f"name={name}").stdout.split():
            docker("rm", "--force", "--volumes", container)
        docker("network", "rm", f"{name}-runs")


@contextlib.asynccontextmanager
async def gateway(machine: Machine) -> AsyncIterator[tuple[PlatformLauncher, Told]]:
    """A gateway's launcher by way of the machine's."""
    listening = bind_tcp("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    async with serve_launcher(machine.containers(), listening):
        launcher, told = PlatformLauncher(platform=launched(url), look_s=0.1), Told()
        attending = asyncio.create_task(launcher.watch(told))
        try:
            yield launcher, told
        finally:
            attending.cancel()
            await asyncio.gather(attending, return_exceptions=True)
            await launcher.close()


def play(machine: Machine, act: Callable[[PlatformLauncher, Told], Any]) -> None:
    async def whole() -> None:
        async with gateway(machine) as (launcher, told):
            await act(launcher, told)

    asyncio.run(whole())


def said(machine: Machine, run: str) -> list[str]:
    return docker("logs", f"{machine.name}-{run}").stdout.split("\n")


def test_a_runs_container_is_fenced_and_its_end_is_heard_of(machine: Machine) -> None:
    async def act(launcher: PlatformLauncher, told: Told) -> None:
        await launcher.start(OTHER)
        await until(lambda: told.exits, within=30)
        assert [(e.run, e.code) for e in told.exits] == [(OTHER, 3)]

    play(machine, act)
    lines = said(machine, OTHER)
    assert lines[:5] == [
        "CapBnd:\t0000000000000000",
        "NoNewPrivs:\t1",
        "Seccomp:\t2",
        "10001",
        "touch: cannot touch '/x': Read-only file system",
    ]
    assert {"writes", "executes", "512"} <= set(lines)


def test_a_run_is_there_once_whoever_starts_it_and_goes_on_when_the_launcher_ends(machine: Machine) -> None:
    async def act(launcher: PlatformLauncher, told: Told) -> None:
        async with gateway(machine) as (other, _):
            await asyncio.gather(launcher.start(RUN), other.start(RUN), return_exceptions=True)
            assert machine.names() == [f"{machine.name}-{RUN}"]

    play(machine, act)

    async def later(launcher: PlatformLauncher, told: Told) -> None:
        await until(lambda: launcher.running() == {RUN}, within=30)
        await launcher.start(RUN)
        assert len(machine.names()) == 1
        await launcher.stop(RUN)
        await until(lambda: told.exits, within=30)
        assert told.exits[0].code == 143

    play(machine, later)


def test_what_has_ended_is_removed_a_while_later(machine: Machine) -> None:
    async def act(launcher: PlatformLauncher, told: Told) -> None:
        await launcher.start(OTHER)
        await launcher.start(RUN)
        await until(lambda: told.exits, within=30)
        containers = machine.containers()
        await containers.clean(now=datetime.now(UTC) + timedelta(minutes=3))
        await containers.engine.close()
        assert machine.names() == [f"{machine.name}-{RUN}"]

    play(machine, act)


def test_an_image_that_is_not_there_is_refused(machine: Machine) -> None:
    async def act(launcher: PlatformLauncher, told: Told) -> None:
        machine.template.container["Image"] = "registry.invalid/none:1"
        with pytest.raises(UnmoorRuntimeError, match="No such image"):
            await launcher.start(RUN)
        assert machine.names() == []

    play(machine, act)
