"""`unmoor-agent launch`: the launcher in a container of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Mapping

from unmoor.container import LAUNCHER_PORT
from unmoor.runtime.errors import RuntimeFault
from unmoor.runtime.gateway.listening import bound, served
from unmoor.runtime.logs import JsonLog
from unmoor.runtime.signals import told_to_stop

from .containers import Containers
from .engine import SOCKET, Engine
from .service import Service
from .template import VARIABLE, template_of


def main() -> int:
    """Runs until it is told to stop; 2 where the container was not given what it needs."""
    return asyncio.run(serve(os.environ))


async def serve(environment: Mapping[str, str], *, stop: asyncio.Event | None = None) -> int:
    """Serves until SIGTERM. Runs go on, and whoever starts next finds them by their names; but for an agent that is
    taken down, whose runs end."""
    stop = stop or told_to_stop()
    log = JsonLog(part="launcher")
    engine = Engine(url=environment.get("UNMOOR_DOCKER", "") or SOCKET)
    containers = Containers(engine=engine, template=template_of(environment.get(VARIABLE, "")), log=log)
    listening = bound(environment.get("UNMOOR_LAUNCHER_BIND", "") or "0.0.0.0", LAUNCHER_PORT)
    async with launching(containers, listening) as _:
        log("listening", runs=await _there(containers))
        await stop.wait()
        await _taken_down(containers)
    log("stopped")
    return 0


@contextlib.asynccontextmanager
async def launching(containers: Containers, listening: socket.socket) -> AsyncIterator[None]:
    """Serves the launcher's interface at the socket, and cleans up, until it is left."""
    cleaning = asyncio.create_task(containers.keep_clean())
    service = Service(containers=containers, log=containers.log)
    try:
        async with served(service.app(), listening, closing=asyncio.Event()):
            yield
    finally:
        cleaning.cancel()
        await asyncio.gather(cleaning, return_exceptions=True)
        await containers.engine.close()


async def _taken_down(containers: Containers) -> None:
    try:
        await containers.take_down()
    except RuntimeFault as fault:
        containers.log(str(fault), level="error")


async def _there(containers: Containers) -> int:
    """How many runs are there; the engine may not answer yet, and is asked again by whoever starts a run."""
    try:
        return sum(not seen.ended for seen in await containers.runs())
    except RuntimeFault as fault:
        containers.log(str(fault), level="error")
        return 0
