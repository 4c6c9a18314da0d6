"""The real engine for tests: Pulumi's CLI, a local backend of the test's own, and a cloud in memory behind it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from cloud import Cloud
from provider import plugged_in
from pulumi import automation

VERSION = "v3.250.0"
WITHOUT = "no pulumi on PATH, and `make engine` has built none: it needs Go"
PASSPHRASE = "passphrase-of-the-tests"


def cli() -> Path | None:
    """The engine's command line: the one on PATH, else the one that `make engine` has built."""
    if found := shutil.which("pulumi"):
        return Path(found)
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    built = Path(base) / "unmoor" / "engine" / VERSION / "pulumi"
    return built if built.exists() else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """An engine that is ready: what runs inside of the block finds CLI, backend, passphrase and plugins by itself."""

    folder: Path
    cloud: Cloud
    events: list[Any] = field(default_factory=list)

    def stack(self, project: str, name: str, program: Callable[[], Any]) -> automation.Stack:
        """The stack of that name with this program, made where there is none."""
        return automation.create_or_select_stack(stack_name=name, project_name=project, program=program)

    def state(self, project: str, name: str) -> list[dict[str, Any]]:
        """Every resource of a stack as the backend keeps it."""
        text = (self.folder / "state" / ".pulumi" / "stacks" / project / f"{name}.json").read_text(encoding="utf-8")
        return json.loads(text)["checkpoint"]["latest"].get("resources") or []

    def kept(self) -> str:
        """All text that the backend keeps, its history and backups too."""
        files = [p for p in (self.folder / "state").rglob("*") if p.is_file()]
        return "\n".join(p.read_bytes().decode(errors="replace") for p in sorted(files))


# Written after each step, the state takes a third of an engine's time; only a test that stops one needs it.
AT_THE_END = {"PULUMI_EXPERIMENTAL": "true", "PULUMI_SKIP_CHECKPOINTS": "true"}


@contextmanager
def running(folder: Path, *, checkpoints: bool = True) -> Iterator[Engine]:
    """An engine with everything that it needs below the folder; skips if there is no CLI."""
    found = cli()
    if found is None:
        pytest.skip(WITHOUT)
    plugins, state, home = (folder / name for name in ("plugins", "state", "home"))
    for made in (plugins, state, home):
        made.mkdir()
    environment = {
        "PATH": os.pathsep.join([str(plugins), str(found.parent), os.environ.get("PATH", "")]),
        "PULUMI_BACKEND_URL": f"file://{state}",
        "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
        "PULUMI_HOME": str(home),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_ERROR_OUTPUT_STRING": "1",
        "GOGC": "400",
        **({} if checkpoints else AT_THE_END),
    }
    cloud = Cloud()
    with patch.dict(os.environ, environment), plugged_in(cloud, plugins), _closed_loops():
        yield Engine(folder=folder, cloud=cloud)


@contextmanager
def _closed_loops() -> Iterator[None]:
    """Closes what event loops the SDK leaves behind in its threads, so that no later test is blamed for them."""
    made: list[asyncio.AbstractEventLoop] = []
    real = asyncio.new_event_loop

    def kept() -> asyncio.AbstractEventLoop:
        made.append(real())
        return made[-1]

    with patch.object(asyncio, "new_event_loop", kept):
        yield
    for loop in made:
        if not loop.is_closed() and not loop.is_running():
            loop.close()
