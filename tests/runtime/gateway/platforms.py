"""A platform for each launcher, in which a test sees what was started and decides what becomes of it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import fake_azure
import fake_ecs
import pytest
from aiohttp import web
from fake_azure import FakeAzure
from fake_docker import FakeDocker
from fake_ecs import FakeEcs
from fake_google import FakeGoogle
from gateways import until

from unmoor.runtime.gateway.launchers.aws_sigv4 import CredentialProvider
from unmoor.runtime.gateway.launchers.cloud_run import cloud_run
from unmoor.runtime.gateway.launchers.container_apps import container_apps
from unmoor.runtime.gateway.launchers.ecs import Ecs
from unmoor.runtime.gateway.launchers.launcher_service import launcher_service
from unmoor.runtime.gateway.launchers.platform import PlatformLauncher
from unmoor.runtime.gateway.launchers.process import ProcessLauncher
from unmoor.runtime.gateway.launchers.protocol import Launcher, RunnerExit
from unmoor.runtime.http.client import JsonHttpClient
from unmoor.runtime.http.server import bind_tcp
from unmoor.runtime.launcher.docker_api import Engine
from unmoor.runtime.launcher.main import serve_launcher
from unmoor.runtime.launcher.run_containers import RunContainers
from unmoor.runtime.launcher.run_template import Template

NAMES = ("process", "docker", "ecs", "container-apps", "cloud-run")
TEMPLATE: dict[str, Any] = {
    "Image": "image",
    "Cmd": ["run"],
    "Labels": {"agent": "agent", "unmoor.role": "run"},
    "HostConfig": {"NetworkMode": "runs", "ReadonlyRootfs": True},
}


class World(Protocol):
    """What a test does to a platform. `codes` says whether the platform tells a runner's exit code, and not just
    whether it was 0; `outlives` whether runs outlive the gateway."""

    codes: bool
    outlives: bool

    def launcher(self) -> Launcher:
        """A gateway's launcher; another gateway has another."""
        ...

    def started(self) -> list[str]:
        """The command of each runner that was ever started."""
        ...

    async def finish(self, run: str, code: int) -> None:
        """The run's runner ends by itself."""
        ...

    def no_room(self) -> None:
        """Nothing can be started for now."""
        ...

    def room(self) -> None: ...

    def refusing(self) -> None:
        """Nothing may be started at all."""
        ...


@contextlib.asynccontextmanager
async def world(name: str, folder: Path) -> AsyncIterator[World]:
    """The world of that launcher."""
    made: dict[str, Any] = {
        "process": processes,
        "docker": machine,
        "ecs": cluster,
        "container-apps": azure,
        "cloud-run": google,
    }
    async with made[name](folder) as found:
        yield found


RUNNER = """
import pathlib, sys, time
folder, run = pathlib.Path(sys.argv[1]), sys.argv[3]
with (folder / "started").open("a") as file:
    file.write(" ".join(sys.argv[2:]) + "\\n")
while not (folder / run).exists():
    time.sleep(0.01)
print("as the test says", file=sys.stderr)
sys.exit(int((folder / run).read_text()))
"""


@dataclass
class Processes:
    folder: Path
    broken: bool = False
    codes: bool = True
    outlives: bool = False
    launchers: list[ProcessLauncher] = field(default_factory=list)

    def launcher(self) -> ProcessLauncher:
        import sys

        program = "/no/such/program" if self.broken else sys.executable
        made = ProcessLauncher(environment={}, command=(program, "-c", RUNNER, str(self.folder), "run"))
        self.launchers.append(made)
        return made

    def started(self) -> list[str]:
        file = self.folder / "started"
        return file.read_text().splitlines() if file.exists() else []

    async def finish(self, run: str, code: int) -> None:
        await until(lambda: f"run {run}" in self.started())
        (self.folder / run).write_text(str(code))

    def no_room(self) -> None:
        self._command("/no/such/program")

    def room(self) -> None:
        import sys

        self._command(sys.executable)

    def refusing(self) -> None:
        raise NotImplementedError

    def _command(self, program: str) -> None:
        for launcher in self.launchers:
            launcher.command = (program, *launcher.command[1:])


@contextlib.asynccontextmanager
async def launchers_of(world: Any) -> AsyncIterator[None]:
    """Closes every launcher that the world has made, at the end."""
    try:
        yield
    finally:
        for launcher in world.launchers:
            await launcher.close()


@contextlib.asynccontextmanager
async def processes(folder: Path) -> AsyncIterator[Processes]:
    found = Processes(folder)
    async with launchers_of(found):
        yield found


@dataclass
class Machine:
    """A machine with an engine and a launcher."""

    engine: FakeDocker
    engine_url: str
    url: str
    codes: bool = True
    outlives: bool = True
    launchers: list[PlatformLauncher] = field(default_factory=list)

    def launcher(self) -> PlatformLauncher:
        made = PlatformLauncher(platform=launcher_service(self.url), look_s=0.02)
        self.launchers.append(made)
        return made

    def started(self) -> list[str]:
        return [" ".join(c.config["Cmd"]) for c in self.engine.starts]

    async def finish(self, run: str, code: int) -> None:
        self.engine.end(f"agent-run-{run}", code, error="as the test says" if code else "")

    def no_room(self) -> None:
        self.engine.refusing = (503, "no room")

    def room(self) -> None:
        self.engine.refusing = None

    def refusing(self) -> None:
        self.engine.refusing = (404, "No such image: image")


@contextlib.asynccontextmanager
async def serving(app: web.Application, folder: Path) -> AsyncIterator[str]:
    """The application on a socket of its own, as a URL."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    listening = bind_tcp("127.0.0.1", 0)
    await web.SockSite(runner, listening).start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def machine(folder: Path, *, most: int = 4) -> AsyncIterator[Machine]:
    engine = FakeDocker()
    template = Template(container=TEMPLATE, prefix="agent-run", disk_mib=100, most=most)
    async with serving(engine.app(), folder) as url:
        containers = RunContainers(engine=Engine(url=url), template=template, look_s=0.02)
        listening = bind_tcp("127.0.0.1", 0)
        port = listening.getsockname()[1]
        async with serve_launcher(containers, listening):
            found = Machine(engine, url, f"http://127.0.0.1:{port}")
            async with launchers_of(found):
                yield found


@dataclass
class Told:
    """What a launcher has said of runners that ended."""

    exits: list[RunnerExit] = field(default_factory=list)

    def __call__(self, exited: RunnerExit) -> None:
        self.exits.append(exited)


@dataclass
class Cluster:
    """A cluster of Amazon ECS."""

    ecs: FakeEcs
    url: str
    codes: bool = True
    outlives: bool = True
    launchers: list[PlatformLauncher] = field(default_factory=list)

    def launcher(self) -> PlatformLauncher:
        platform = Ecs(
            cluster=fake_ecs.CLUSTER,
            task_definition=fake_ecs.TASK,
            container="run",
            network=fake_ecs.NETWORK,
            region="eu-west-1",
            rest=JsonHttpClient(name="ECS", url=self.url),
            credentials=CredentialProvider(
                environment={"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{self.url}/credentials"}
            ),
        )
        made = PlatformLauncher(platform=platform, look_s=0.02)
        self.launchers.append(made)
        return made

    def started(self) -> list[str]:
        return [" ".join(t["overrides"]["containerOverrides"][0]["command"]) for t in self.ecs.tasks.values()]

    async def finish(self, run: str, code: int) -> None:
        [task] = [t for t in self.ecs.tasks.values() if t["startedBy"] == run and t["lastStatus"] != "STOPPED"]
        self.ecs.stop(task, code, "Essential container in task exited", why="as the test says" if code else "")

    def no_room(self) -> None:
        self.ecs.failing = [{"arn": fake_ecs.CLUSTER, "reason": "RESOURCE:MEMORY"}]

    def room(self) -> None:
        self.ecs.failing = None

    def refusing(self) -> None:
        self.ecs.failing = ("AccessDeniedException", "User is not authorized to perform: ecs:RunTask")


@contextlib.asynccontextmanager
async def cluster(folder: Path) -> AsyncIterator[Cluster]:
    fake = FakeEcs()
    async with serving(fake.app(), folder) as url:
        found = Cluster(fake, url)
        async with launchers_of(found):
            yield found


@dataclass
class Azure:
    """A job of Container Apps, and the token of a real credential of azure-identity's."""

    fake: FakeAzure
    url: str
    codes: bool = False
    outlives: bool = True
    launchers: list[PlatformLauncher] = field(default_factory=list)

    def launcher(self, **extra: str) -> PlatformLauncher:
        told = {"container": "run", "job": fake_azure.JOB, "endpoint": self.url}
        made = PlatformLauncher(platform=container_apps(told, extra), look_s=0.02)
        self.launchers.append(made)
        return made

    def started(self) -> list[str]:
        return [" ".join(self._run(e)["args"]) for e in self.fake.executions.values()]

    async def finish(self, run: str, code: int) -> None:
        going_on = [e for e in self.fake.executions.values() if e["properties"]["status"] == "Processing"]
        [mine] = [e for e in going_on if self._run(e)["args"] == ["run", run]]
        mine["properties"] |= {"status": "Failed" if code else "Succeeded", "message": "as the test says"}

    def no_room(self) -> None:
        self.fake.refusing = (429, "TooManyRequests", "Too many requests")

    def room(self) -> None:
        self.fake.refusing = None

    def refusing(self) -> None:
        self.fake.refusing = (403, "AuthorizationFailed", "does not have authorization to perform jobs/start/action")

    def _run(self, execution: Any) -> Any:
        return next(c for c in execution["properties"]["template"]["containers"] if c["name"] == "run")


@contextlib.asynccontextmanager
async def azure(folder: Path) -> AsyncIterator[Azure]:
    fake = FakeAzure()
    async with serving(fake.app(), folder) as url:
        fake.url = url
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("IDENTITY_ENDPOINT", f"{url}/msi/token")
            patch.setenv("IDENTITY_HEADER", fake_azure.HEADER)
            patch.setenv("AZURE_CLIENT_ID", fake_azure.CLIENT)
            found = Azure(fake, url)
            async with launchers_of(found):
                yield found


@dataclass
class Google:
    """A job of Cloud Run, and the token of real credentials of google-auth's, whose metadata server is the fake."""

    fake: FakeGoogle
    url: str
    codes: bool = False
    outlives: bool = True
    launchers: list[PlatformLauncher] = field(default_factory=list)

    def launcher(self, **extra: str) -> PlatformLauncher:
        told = {"container": "run", "job": "agent-run", "project": "p", "region": "europe-west1", "endpoint": self.url}
        platform = cloud_run(told, extra)
        platform.transport = self._transport
        made = PlatformLauncher(platform=platform, look_s=0.02)
        self.launchers.append(made)
        return made

    def started(self) -> list[str]:
        return [" ".join(e["template"]["containers"][0]["args"]) for e in reversed(self.fake.executions)]

    async def finish(self, run: str, code: int) -> None:
        going_on = [e for e in self.fake.executions if not e.get("completionTime")]
        [mine] = [e for e in going_on if e["template"]["containers"][0]["args"] == ["run", run]]
        self.fake.end(mine, code, "as the test says")

    def no_room(self) -> None:
        self.fake.refusing = (429, "RESOURCE_EXHAUSTED", "Quota exceeded for quota metric")

    def room(self) -> None:
        self.fake.refusing = None

    def refusing(self) -> None:
        self.fake.refusing = (403, "PERMISSION_DENIED", "Permission 'run.jobs.run' denied")

    def _transport(self) -> Any:
        from google.auth.transport.requests import Request

        request = Request()

        def led(url: str, **more: Any) -> Any:
            assert url.startswith("http://metadata.google.internal/")
            return request(url=url.replace("http://metadata.google.internal", self.url), **more)

        return led


@contextlib.asynccontextmanager
async def google(folder: Path) -> AsyncIterator[Google]:
    fake = FakeGoogle()
    async with serving(fake.app(), folder) as url:
        found = Google(fake, url)
        async with launchers_of(found):
            yield found
