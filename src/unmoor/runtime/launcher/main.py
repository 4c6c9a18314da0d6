"""`unmoor-agent launch`: the launcher in its container."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Mapping

from unmoor.container import LAUNCHER_PORT
from unmoor.runtime.http.server import bind_tcp, serve_app
from unmoor.runtime.logs import JsonLog, log_errors
from unmoor.runtime.signals import shutdown_event

from .docker_api import SOCKET, Engine
from .http_api import LauncherApi
from .run_containers import RunContainers
from .run_template import VARIABLE, parse_template


def main() -> int:
    """Serves until SIGTERM; exit code 2 where the container's configuration is incomplete."""
    return asyncio.run(serve(os.environ))


async def serve(environment: Mapping[str, str], *, stop: asyncio.Event | None = None) -> int:
    """Serves until SIGTERM. Runs continue, and the next launcher finds them by name, unless the agent is destroyed."""
    stop = stop or shutdown_event()
    log = JsonLog(part="launcher")
    engine = Engine(url=environment.get("UNMOOR_DOCKER", "") or SOCKET)
    containers = RunContainers(engine=engine, template=parse_template(environment.get(VARIABLE, "")), log=log)
    listening = bind_tcp(environment.get("UNMOOR_LAUNCHER_BIND", "") or "0.0.0.0", LAUNCHER_PORT)
    async with serve_launcher(containers, listening):
        log("listening")
        await stop.wait()
        await log_errors(containers.shut_down, "shutting down", log=log)
    log("stopped")
    return 0


@contextlib.asynccontextmanager
async def serve_launcher(containers: RunContainers, listening: socket.socket) -> AsyncIterator[None]:
    """Serves the launcher's API at the socket, and removes ended containers."""
    cleaning = asyncio.create_task(containers.cleanup_loop())
    service = LauncherApi(containers=containers, log=containers.log)
    try:
        async with serve_app(service.app(), listening, closing=asyncio.Event()):
            yield
    finally:
        cleaning.cancel()
        await asyncio.gather(cleaning, return_exceptions=True)
        await containers.engine.close()
