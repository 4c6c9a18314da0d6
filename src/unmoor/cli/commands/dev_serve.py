"""`unmoor dev` without --once."""

from __future__ import annotations

import asyncio
import gc
import secrets
import shutil
import signal
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import typer

from unmoor.cli.commands.dev import find_harness
from unmoor.container import GATEWAY_PORT
from unmoor.dev.agent import LocalAgent, prepare_local_agent, scrub_environment, secret_values
from unmoor.dev.serve import LOOPBACK, ServeOptions, check_store, describe_triggers, serve_agent
from unmoor.local_folders import data_folder
from unmoor.runtime.http.server import bind_tcp
from unmoor.spec.load import load

# As in a container.
USUAL_PORT = GATEWAY_PORT


def serve(file: Path, environment: str | None, *, port: int, token: str, store: str, installing: bool) -> int:
    """Serves the agent until it is interrupted; then 0. Standard output is one line: ready, and the address."""
    gc.enable()  # unlike a command that only prints, a gateway may serve for days
    loaded = load(file, environment)
    values = secret_values(loaded, serving=True)
    scrub_environment(loaded)  # before anything is started that would inherit them
    programs = find_harness(loaded, store=store, installing=installing)
    folder = data_folder() / "dev" / loaded.plan.agent
    check_store(store)
    url = store or (folder / "store").as_uri()
    served = ServeOptions(token=token or secrets.token_urlsafe(24), listening=bind_tcp(LOOPBACK, port), store_url=url)
    preparing = prepare_local_agent(loaded, secrets=values, store_url=store, programs=programs, folder=folder)
    return asyncio.run(
        until_stopped(preparing, lambda dev: serve_agent(dev, served), shown="" if token else served.token)
    )


async def until_stopped(
    preparing: Awaitable[LocalAgent], serving: Callable[[LocalAgent], AbstractAsyncContextManager[int]], *, shown: str
) -> int:
    """Serves until SIGINT or SIGTERM and prints the address; `shown` is a generated token to print, or empty."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    dev = await preparing
    try:
        async with serving(dev) as port:
            if shown:
                typer.echo(f"token {shown}", err=True)
                # What follows the # never leaves the browser, so the token is in no log.
                typer.echo(f"page http://{LOOPBACK}:{port}/#token={shown}", err=True)
            for line in describe_triggers(dev.plan, f"http://{LOOPBACK}:{port}"):
                typer.echo(line, err=True)
            typer.echo(f"ready http://{LOOPBACK}:{port}")
            await stop.wait()
    finally:
        shutil.rmtree(dev.bundle.folder, ignore_errors=True)
    return 0
