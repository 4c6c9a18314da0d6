"""Runs an agent in containers of this machine's Docker, as the target vm-docker does.

The guard holds the model's key and reaches the internet; the run's network contains only the guard.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from secrets import token_hex
from typing import Any

from unmoor.container import (
    GUARD,
    GUARD_PORT,
    RUN_TOKEN_KEY,
    STOP_GRACE_S,
    STORE_DIR,
    TEMP_DIR,
    UID,
    WORK_DIR,
    hardened_host_config,
    health_check_command,
    secret_variable,
)
from unmoor.docker.cli import DockerCli, last_line
from unmoor.errors import UnmoorError
from unmoor.plan import Plan, Secret
from unmoor.runtime.launcher.run_template import Template
from unmoor.runtime.run.stop import Stop
from unmoor.runtime.state import keys
from unmoor.runtime.state.event_feed import Feed
from unmoor.runtime.state.run_record import RunRecord, create_run_record, load_record
from unmoor.runtime.store import Store
from unmoor.runtime.waiting import wait_event

from .docker_options import host_config_options

POLL_S = 0.3
# A run leaves its events in the store: little of its container's log is needed.
LOG_OPTIONS = {"max-file": "3", "max-size": "10m"}
# The grace period of a stopped run, and the maximum time for a guard to become ready.
STOP_S = 60
READY_TRIES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalContainers:
    """The command lines for a run's containers: `name` is the prefix of their names, `store` the store's folder,
    `run_key` what the guard verifies runs by."""

    name: str
    image: str
    bundle: str
    store: Path
    user: str
    run_key: str = field(default_factory=lambda: token_hex(32), repr=False)

    @property
    def run_key_value(self) -> dict[str, str]:
        """The variable of the run key, for the containers and for docker's own environment."""
        return {secret_variable(RUN_TOKEN_KEY): self.run_key}

    def networks(self) -> list[list[str]]:
        """An internal network, and one with internet access."""
        create = ["network", "create"]
        return [[*create, "--internal", f"{self.name}-runs"], [*create, f"{self.name}-out"]]

    def guard(self, plan: Plan) -> list[list[str]]:
        """The guard's container, on both networks; only it holds the model's key."""
        host = self._host(plan.guard.cpu, plan.guard.memory_mib)
        start = [
            *("run", "--detach", "--network-alias", "guard"),
            *self._options("guard", host, plan.secrets_held_by("guard")),
            *(self.image, *GUARD),
        ]
        return [start, ["network", "connect", f"{self.name}-out", f"{self.name}-guard"]]

    def run(self, plan: Plan, run: str) -> list[str]:
        """The run, attached, so that the command ends when it ends."""
        return [
            *("run", "--rm", "--env", f"UNMOOR_GUARD_URL=http://guard:{GUARD_PORT}"),
            *self._options("run", self._host(plan.run.cpu, plan.run.memory_mib), plan.secrets_held_by("run")),
            *(self.image, "run", run),
        ]

    def template(self, plan: Plan, secrets: Mapping[str, str]) -> Template:
        """The launcher's template for each run's container, in the terms of Docker's API."""
        environment = {
            "UNMOOR_STORE": f"file://{STORE_DIR}",
            "UNMOOR_BUNDLE": self.bundle,
            "UNMOOR_GUARD_URL": f"http://guard:{GUARD_PORT}",
            **{secret.variable: secrets[secret.name] for secret in plan.secrets_held_by("run")},
            **self.run_key_value,
        }
        container = {
            "Image": self.image,
            "Cmd": ["run"],
            "Env": [f"{name}={value}" for name, value in sorted(environment.items())],
            "User": self.user,
            "StopTimeout": STOP_GRACE_S,
            "HostConfig": self._host(plan.run.cpu, plan.run.memory_mib),
        }
        return Template(container=container, prefix=self.name, most=plan.run.max_concurrent)

    def health_command(self) -> list[str]:
        return ["exec", f"{self.name}-guard", *health_check_command(GUARD_PORT)]

    def remove_commands(self) -> list[list[str]]:
        containers = [f"{self.name}-run", f"{self.name}-guard"]
        return [["rm", "--force", "--volumes", *containers], ["network", "rm", f"{self.name}-runs", f"{self.name}-out"]]

    def _host(self, cpu: Decimal, memory_mib: int) -> dict[str, Any]:
        owner, _, group = self.user.partition(":")
        writable = f"rw,exec,nosuid,nodev,uid={owner},gid={group}"
        return hardened_host_config(
            cpu=cpu,
            memory_mib=memory_mib,
            network=f"{self.name}-runs",
            mounts=[{"Type": "bind", "Source": str(self.store), "Target": STORE_DIR}],
            tmpfs={WORK_DIR: writable, TEMP_DIR: writable},
            log_options=LOG_OPTIONS,
        )

    def _options(self, role: str, host: dict[str, Any], secrets: tuple[Secret, ...]) -> list[str]:
        """A container's options. A secret is only named here; its value is in docker's own environment."""
        return [
            *("--name", f"{self.name}-{role}", "--user", self.user, *host_config_options(host)),
            *("--env", f"UNMOOR_STORE=file://{STORE_DIR}", "--env", f"UNMOOR_BUNDLE={self.bundle}"),
            *(part for name in (*(s.variable for s in secrets), *self.run_key_value) for part in ("--env", name)),
        ]


def container_user() -> str:
    """The user of the containers: the calling user, or the image's user instead of root."""
    return f"{UID}:{UID}" if os.getuid() == 0 else f"{os.getuid()}:{os.getgid()}"


async def run_in_docker(
    containers: LocalContainers,
    plan: Plan,
    record: RunRecord,
    *,
    store: Store,
    secrets: Mapping[str, str],
    stop: Stop,
    watch: Callable[[dict[str, Any]], None],
) -> RunRecord:
    """Queues a run, runs it to its end and removes its containers: its final record. UnmoorError if Docker refuses."""
    values = {s.variable: secrets[s.name] for s in plan.secrets_held_by("run", "guard")}
    docker = DockerCli({**values, **containers.run_key_value})
    async with guard_container(docker, containers, plan):
        # Created only now: a guard that does not start must leave no queued run.
        await create_run_record(store, record)
        chown_store(containers)
        await _follow_run(docker, containers, plan, record, store, stop, watch)
    loaded = await load_record(store, record.id)
    assert loaded is not None, "it was created above"
    return loaded[0]


@contextlib.asynccontextmanager
async def guard_container(docker: DockerCli, containers: LocalContainers, plan: Plan) -> AsyncIterator[None]:
    """Runs the guard on the runs' network inside the block; UnmoorError if Docker refuses."""
    chown_store(containers)
    try:
        for command in (*containers.networks(), *containers.guard(plan)):
            await docker.run(command)
        await _wait_until_ready(docker, containers)
        yield
    finally:
        for command in containers.remove_commands():
            await docker.try_run(command)


async def _follow_run(
    docker: DockerCli,
    containers: LocalContainers,
    plan: Plan,
    record: RunRecord,
    store: Store,
    stop: Stop,
    watch: Callable[[dict[str, Any]], None],
) -> None:
    running = asyncio.create_task(docker.try_run(containers.run(plan, record.id)))
    cancelling = asyncio.create_task(_cancel_on_stop(stop, store, record.id, docker, containers))
    async for event in events(store, record.id, until=running):
        watch(event)
    cancelling.cancel()
    await asyncio.gather(cancelling, return_exceptions=True)
    code, output = await running
    loaded = await load_record(store, record.id)
    if loaded is None or not loaded[0].is_final:
        raise UnmoorError(f"the run's container ended with exit code {code} but no outcome: {last_line(output)}")


async def events(store: Store, run: str, *, until: asyncio.Task[Any]) -> AsyncIterator[dict[str, Any]]:
    """A run's events as they are written, to the last one after the task is done."""
    feed = Feed(store=store, run=run, after=0)
    while True:
        over = until.done()
        while found := await feed.read_new():
            for event in found:
                yield event
        if over:
            return
        await asyncio.wait([until], timeout=POLL_S)


async def _cancel_on_stop(stop: Stop, store: Store, run: str, docker: DockerCli, containers: LocalContainers) -> None:
    await stop.event.wait()
    await store.put(keys.cancel_key(run), b"")
    await wait_event(stop.hurried, STOP_S)
    await docker.try_run(["kill", f"{containers.name}-run"])


async def _wait_until_ready(docker: DockerCli, containers: LocalContainers) -> None:
    for _ in range(READY_TRIES):
        code, _output = await docker.try_run(containers.health_command())
        if code == 0:
            return
        await asyncio.sleep(POLL_S)
        _code, running = await docker.try_run(["inspect", "--format", "{{.State.Running}}", f"{containers.name}-guard"])
        if running.strip() != "true":
            break
    _code, output = await docker.try_run(["logs", f"{containers.name}-guard"])
    raise UnmoorError(f"the guard does not start: {last_line(output)}")


def chown_store(containers: LocalContainers) -> None:
    """Gives the store to the containers' user if this process is root."""
    if os.getuid() == 0:
        for path in (containers.store, *containers.store.rglob("*")):
            with contextlib.suppress(FileNotFoundError):
                shutil.chown(path, UID, UID)
