"""`unmoor dev`."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import shutil
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import typer

from unmoor.cli.render.event_lines import event_lines, printable
from unmoor.dev.agent import LocalAgent, prepare_local_agent, scrub_environment, secret_values
from unmoor.local_folders import cache_folder, data_folder
from unmoor.runtime.harness.installed import HarnessInstallation
from unmoor.runtime.run.process_tree import kill_all
from unmoor.runtime.run.stop import Stop
from unmoor.runtime.state.run_record import RunRecord
from unmoor.spec.load import Loaded, load


def once(
    file: Path, environment: str | None, prompt: str, *, session: str, store: str, as_json: bool, installing: bool
) -> int:
    """Runs the agent once; 0 if the run succeeded, 1 if it ended otherwise. Events are lines on standard output."""
    gc.enable()  # unlike a command that only prints, a run may take hours
    loaded = load(file, environment)
    values = secret_values(loaded)
    scrub_environment(loaded)  # before anything is started that would inherit them
    programs = find_harness(loaded, store=store, installing=installing)
    folder = data_folder() / "dev" / loaded.plan.agent
    show = as_json_line if as_json else as_text
    preparing = prepare_local_agent(loaded, secrets=values, store_url=store, programs=programs, folder=folder)
    record = asyncio.run(_once(preparing, prompt, session=session, show=show))
    if not as_json:
        print_summary(record, store or (folder / "store").as_uri())
    return 0 if record.status == "succeeded" else 1


async def _once(
    preparing: Awaitable[LocalAgent], prompt: str, *, session: str, show: Callable[[dict[str, Any]], None]
) -> RunRecord:
    stop = Stop()
    stop_on_signals(stop)
    dev = await preparing
    try:
        return await dev.run_once(prompt, session=session, stop=stop, watch=cancel_on_closed_output(show, stop))
    finally:
        shutil.rmtree(dev.bundle.folder, ignore_errors=True)


def stop_on_signals(stop: Stop) -> None:
    """The first signal stops the run gracefully, the second kills its harness, the third exits."""
    loop = asyncio.get_running_loop()

    def handle_signal() -> None:
        if stop.hurried.is_set():
            kill_all(os.getpid())
            os._exit(130)
        stop.request("cancelled", grace_s=0.0 if stop.cause else None)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, handle_signal)


def cancel_on_closed_output(show: Callable[[dict[str, Any]], None], stop: Stop) -> Callable[[dict[str, Any]], None]:
    """Shows events, and cancels the run when standard output is closed, as by `head`."""

    def watch(event: dict[str, Any]) -> None:
        try:
            show(event)
        except BrokenPipeError:
            # Further output, including Python's flush at exit, is discarded.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            stop.request("cancelled")

    return watch


def find_harness(loaded: Loaded, *, store: str, installing: bool) -> HarnessInstallation:
    """The spec's harness on this machine; UnmoorError, with the remedy, if it is missing. It must not read the spec,
    the files of secrets, the store and unmoor's own data, wherever they are."""
    files = [loaded.file.parent / secret.reference for secret in loaded.plan.secrets if secret.source == "file"]
    stores = [Path(unquote(urlsplit(store).path))] if store.startswith("file:///") else []
    hidden = (loaded.file, *files, *stores, data_folder())
    return replace(_find_program(loaded, installing=installing), hidden=hidden)


def _find_program(loaded: Loaded, *, installing: bool) -> HarnessInstallation:
    harness = loaded.plan.harness
    if harness.name == "command":
        folders = [Path(p) for p in os.environ.get("PATH", "").split(os.pathsep) if p.startswith("/")]
        return HarnessInstallation(folders=tuple(folders), path=os.pathsep.join(str(f) for f in folders))
    from unmoor.runtime.harness.installed import find, install

    if installing:
        install(harness.name, harness.version, cache_folder())
    return find(harness.name, harness.version, cache_folder())


def as_json_line(event: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(event, ensure_ascii=True) + "\n")
    sys.stdout.flush()


def as_text(event: dict[str, Any]) -> None:
    for line in event_lines(event):
        typer.echo(line)


def print_summary(record: RunRecord, url: str) -> None:
    """Prints the run's artifacts, cost and store, and its status as the last line."""
    for artifact in record.artifacts:
        typer.echo(f"artifact {printable(artifact.path)} ({artifact.size_bytes} bytes)")
    if record.cost_usd is not None:
        typer.echo(f"cost     {record.cost_usd} USD, {record.usage.input} tokens in, {record.usage.output} out")
    typer.echo(f"store    {url} runs/{record.id}")
    if record.reason:
        typer.echo(f"reason   {printable(record.reason)}")
    typer.echo(record.status)
