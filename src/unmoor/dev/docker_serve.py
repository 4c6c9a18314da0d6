"""Serves the gateway on this machine with each run in a container, started by vm-docker's launcher.

The launcher runs in the gateway's process and listens on a socket in a temporary folder.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from unmoor.container import UID
from unmoor.docker.cli import DockerCli
from unmoor.errors import UnmoorError
from unmoor.runtime.gateway.launchers.launcher_service import launcher_service
from unmoor.runtime.gateway.launchers.platform import PlatformLauncher
from unmoor.runtime.http.client import UNIX
from unmoor.runtime.http.server import bind_unix
from unmoor.runtime.launcher.docker_api import Engine
from unmoor.runtime.launcher.main import serve_launcher
from unmoor.runtime.launcher.run_containers import RunContainers as Runs
from unmoor.runtime.launcher.run_template import LAUNCHER
from unmoor.runtime.logs import JsonLog
from unmoor.runtime.redact import redactor

from .agent import LocalAgent
from .docker_run import LocalContainers, guard_container
from .serve import ServeOptions, build_gateway

# The poll interval for ended containers; a run's record is current at once.
LOOK_S = 1.0
GRACE_S = 8


@contextlib.asynccontextmanager
async def serve_in_docker(dev: LocalAgent, served: ServeOptions, containers: LocalContainers) -> AsyncIterator[int]:
    """Serves the agent inside the block, yields the port, and removes its containers afterwards."""
    redact = redactor({**dev.secrets, "api-token": served.token})
    log = JsonLog(redact=redact, stream=sys.stderr)
    held = {secret.variable: dev.secrets[secret.name] for secret in dev.plan.secrets_held_by("guard")}
    docker = DockerCli({**held, **containers.run_key_value})
    engine = Engine(url=await _socket(docker), grace_s=GRACE_S)
    runs = Runs(engine=engine, template=containers.template(dev.plan, dev.secrets), log=log, look_s=LOOK_S)
    async with guard_container(docker, containers, dev.plan), _serve_launcher(runs) as url:
        launcher = PlatformLauncher(platform=launcher_service(url), log=log, look_s=LOOK_S)
        try:
            async with build_gateway(dev, served, launcher, redact, log).serving(served.listening) as port:
                yield port
        finally:
            await _end(docker, containers)


def share_store_with_group() -> None:
    """Makes files that root writes from now on writable for the containers' group."""
    if os.getuid() == 0:
        os.setegid(UID)
        os.umask(0o007)


@contextlib.asynccontextmanager
async def _serve_launcher(runs: Runs) -> AsyncIterator[str]:
    with tempfile.TemporaryDirectory(prefix="unmoor-launcher-") as folder:
        path = Path(folder) / "socket"
        async with serve_launcher(runs, bind_unix(path)):
            yield f"{UNIX}{path}"


async def _socket(docker: DockerCli) -> str:
    """The socket of the engine that the docker command uses; UnmoorError if it is not on this machine."""
    code, output = await docker.try_run(["context", "inspect", "--format", "{{.Endpoints.docker.Host}}"])
    url = output.strip()
    if code or not url.startswith(UNIX):
        raise UnmoorError(f"unmoor dev --docker needs an engine of this machine, and docker's is {url or 'none'}")
    return url


async def _end(docker: DockerCli, containers: LocalContainers) -> None:
    """Stops the runs with a grace period and removes their containers."""
    label = f"label={LAUNCHER}={containers.name}"
    _code, output = await docker.try_run(["ps", "--all", "--quiet", "--filter", label])
    if ids := output.split():
        await docker.try_run(["stop", "--time", str(GRACE_S), *ids])
        await docker.try_run(["rm", "--force", "--volumes", *ids])
