"""Which launcher starts this gateway's runs: as the target says by UNMOOR_LAUNCHER and its configuration."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

from unmoor.runtime.config import Agent
from unmoor.runtime.errors import ConfigurationFault
from unmoor.runtime.guard.way import Log

from .docker import docker
from .elsewhere import ElsewhereLauncher, Platform
from .launcher import Launcher
from .process import ProcessLauncher

VARIABLE, CONFIGURATION = "UNMOOR_LAUNCHER", "UNMOOR_LAUNCHER_CONFIG"
PROCESS = "process"
# To be started, and to pack up what a run left, beside the time that is the harness's own.
MARGIN_S = 1800
# What each launcher must be told by its configuration, and how it is made of that.
PLATFORMS: Mapping[str, tuple[Sequence[str], Callable[[Mapping[str, str]], Platform]]] = {
    "docker": (("url",), lambda told: docker(told["url"])),
}


def chosen(environment: Mapping[str, str]) -> tuple[str, Mapping[str, str]]:
    """The launcher's name and configuration; ConfigurationFault for one that there is not, or that is not whole."""
    name = environment.get(VARIABLE, "") or PROCESS
    if name == PROCESS:
        return name, {}
    if name not in PLATFORMS:
        has = ", ".join((PROCESS, *PLATFORMS))
        raise ConfigurationFault(f"{VARIABLE}: there is no launcher {name!r}; there are: {has}")
    told = _told(environment.get(CONFIGURATION, ""))
    missing = [key for key in PLATFORMS[name][0] if not told.get(key)]
    if missing:
        raise ConfigurationFault(f"{CONFIGURATION}: {', '.join(missing)} is missing for {name}; the target sets it")
    return name, told


def launcher_of(
    choice: tuple[str, Mapping[str, str]], agent: Agent, *, environment: Mapping[str, str], log: Log
) -> Launcher:
    """The launcher; `environment` is a runner's, where runners are processes of this container."""
    name, told = choice
    if name == PROCESS:
        return ProcessLauncher(environment=environment)
    longest = agent.run.timeout_s * (agent.run.retries + 1) + MARGIN_S
    return ElsewhereLauncher(platform=PLATFORMS[name][1](told), log=log, longest_s=longest)


def _told(text: str) -> Mapping[str, str]:
    try:
        values = json.loads(text) if text else {}
    except ValueError:
        raise ConfigurationFault(f"{CONFIGURATION} is no JSON; the target sets it") from None
    if not isinstance(values, dict):
        raise ConfigurationFault(f"{CONFIGURATION} is no JSON object; the target sets it")
    return values
