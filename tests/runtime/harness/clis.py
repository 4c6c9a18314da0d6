"""Runs a real harness as its adapter says, without the runner: files placed, prompt fed, output read, end judged."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from jobs import TOKEN, job

from unmoor.local_folders import cache_folder
from unmoor.runtime.events import HarnessEvent, ToolCall, ToolResult
from unmoor.runtime.harness import adapter
from unmoor.runtime.harness.installed import HarnessInstallation, find, install
from unmoor.runtime.harness.protocol import GuardEndpoint, HarnessOutcome, LaunchSpec, ProcessExit
from unmoor.runtime.harness.versions import HARNESS_VERSIONS

# Longer than any of these runs takes on a busy machine.
PATIENCE_S = 180
# Where no model call goes: a proxy that nobody is behind.
NO_PROXY_THERE = f"http://run:{TOKEN}@127.0.0.1:9"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What one start came to."""

    outcome: HarnessOutcome
    events: list[HarnessEvent]
    exit: ProcessExit
    work: Path
    home: Path

    @property
    def calls(self) -> list[ToolCall]:
        return [event for event in self.events if isinstance(event, ToolCall)]

    @property
    def results(self) -> list[ToolResult]:
        return [event for event in self.events if isinstance(event, ToolResult)]


@cache
def programs(harness: str) -> HarnessInstallation:
    """The harness in its pinned version; installed into the user's cache if it is not there."""
    version = HARNESS_VERSIONS[harness]
    install(harness, version, cache_folder())
    return find(harness, version, cache_folder())


def real_job(harness: str, url: str, root: Path, *, proxy: str = NO_PROXY_THERE, **changes: Any) -> LaunchSpec:
    """A job in folders below the root whose model is at the URL; the same root again is the same workspace."""
    for folder in ("home", "work", "temp"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    return replace(
        job(harness),
        guard=GuardEndpoint(model_url=f"{url}/model", proxy_url=proxy, token=TOKEN),
        home=PurePosixPath(root / "home"),
        work=PurePosixPath(root / "work"),
        temp=PurePosixPath(root / "temp"),
        programs=programs(harness).paths,
        **changes,
    )


def run(harness: str, of: LaunchSpec) -> Ran:
    """Starts it and waits for its end."""
    made, reader = adapter(harness).command(of), adapter(harness).reader(of)
    for file in made.files:
        path = Path(file.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
        path.chmod(file.mode)
    environment = {"PATH": programs(harness).path, "LANG": "C.UTF-8", **made.environment}
    process = subprocess.Popen(
        made.argv,
        cwd=of.work,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        said, errors = process.communicate(made.stdin, timeout=PATIENCE_S)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    events = [event for line in said.decode(errors="replace").splitlines() for event in reader.feed(line)]
    code = process.returncode
    end = ProcessExit(
        code=code if code >= 0 else None, signal=-code if code < 0 else None, stderr=errors.decode(errors="replace")
    )
    return Ran(outcome=reader.outcome(end), events=events, exit=end, work=Path(of.work), home=Path(of.home))


def texts(value: Any) -> Iterator[str]:
    """Every text in a request's body."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)
