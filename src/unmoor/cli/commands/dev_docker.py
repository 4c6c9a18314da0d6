"""`unmoor dev --docker`, which runs the agent once or serves it."""

from __future__ import annotations

import asyncio
import gc
import shutil
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex, token_urlsafe
from typing import Any
from urllib.parse import unquote, urlsplit

from unmoor.cli.commands.build import build_image
from unmoor.cli.commands.dev import as_json_line, as_text, cancel_on_closed_output, print_summary, stop_on_signals
from unmoor.cli.commands.dev_serve import until_stopped
from unmoor.dev.agent import LocalAgent, prepare_local_agent, scrub_environment, secret_values
from unmoor.dev.docker_run import LocalContainers, container_user, run_in_docker
from unmoor.dev.docker_serve import serve_in_docker, share_store_with_group
from unmoor.dev.serve import LOOPBACK, ServeOptions
from unmoor.errors import UnmoorError
from unmoor.local_folders import data_folder
from unmoor.runtime.harness.installed import HarnessInstallation
from unmoor.runtime.http.server import bind_tcp
from unmoor.runtime.run.stop import Stop
from unmoor.runtime.state.run_record import RunRecord
from unmoor.spec.load import Loaded, load


def once(file: Path, environment: str | None, prompt: str, *, session: str, store: str, as_json: bool) -> int:
    """Runs the agent once in containers; 0 if the run succeeded, 1 if it ended otherwise."""
    loaded = load(file, environment)
    values = secret_values(loaded)
    folder = data_folder() / "dev" / loaded.plan.agent
    place = _folder_of(store) if store else folder / "store"
    image = build_image(loaded.plan)
    show = as_json_line if as_json else as_text
    preparing = prepare_local_agent(
        loaded, secrets=values, store_url=place.as_uri(), programs=HarnessInstallation(), folder=folder
    )
    record = asyncio.run(_once(loaded, preparing, prompt, session=session, image=image, place=place, show=show))
    if not as_json:
        print_summary(record, place.as_uri())
    return 0 if record.status == "succeeded" else 1


def serve(file: Path, environment: str | None, *, port: int, token: str, store: str) -> int:
    """Serves the agent until it is interrupted, with each run in a container of its own; then 0."""
    gc.enable()  # a gateway may serve for days
    loaded = load(file, environment)
    values = secret_values(loaded, serving=True)
    folder = data_folder() / "dev" / loaded.plan.agent
    place = _folder_of(store) if store else folder / "store"
    served = ServeOptions(
        token=token or token_urlsafe(24), listening=bind_tcp(LOOPBACK, port), store_url=place.as_uri()
    )
    image = build_image(loaded.plan)
    share_store_with_group()
    preparing = prepare_local_agent(
        loaded, secrets=values, store_url=place.as_uri(), programs=HarnessInstallation(), folder=folder
    )

    def serving(dev: LocalAgent) -> AbstractAsyncContextManager[int]:
        scrub_environment(loaded)
        return serve_in_docker(dev, served, _containers(loaded, dev, image=image, place=place))

    return asyncio.run(until_stopped(preparing, serving, shown="" if token else served.token))


async def _once(
    loaded: Loaded,
    preparing: Any,
    prompt: str,
    *,
    session: str,
    image: str,
    place: Path,
    show: Callable[[dict[str, Any]], None],
) -> RunRecord:
    stop = Stop()
    stop_on_signals(stop)
    dev: LocalAgent = await preparing
    scrub_environment(loaded)
    shutil.rmtree(dev.bundle.folder, ignore_errors=True)
    record = dev.new_run(prompt, session, datetime.now(UTC))
    return await run_in_docker(
        _containers(loaded, dev, image=image, place=place),
        loaded.plan,
        record,
        store=dev.store,
        secrets=dev.secrets,
        stop=stop,
        watch=cancel_on_closed_output(show, stop),
    )


def _containers(loaded: Loaded, dev: LocalAgent, *, image: str, place: Path) -> LocalContainers:
    name = f"unmoor-dev-{loaded.plan.agent}-{token_hex(4)}"
    return LocalContainers(name=name, image=image, bundle=dev.bundle.sha256, store=place, user=container_user())


def _folder_of(url: str) -> Path:
    parts = urlsplit(url)
    if parts.scheme != "file" or parts.netloc not in ("", "localhost"):
        raise UnmoorError(f"--docker needs a store in a local folder, not {url}; write file:///a/folder")
    return Path(unquote(parts.path))
