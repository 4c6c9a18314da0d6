"""Which launcher starts this gateway's runs: as the target says by UNMOOR_LAUNCHER and its configuration."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from unmoor.runtime.config import AgentConfig
from unmoor.runtime.errors import ConfigurationError
from unmoor.runtime.logs import Log

from . import cloud_run, container_apps, ecs
from .launcher_service import launcher_service
from .platform import Platform, PlatformLauncher
from .process import ProcessLauncher
from .protocol import Launcher

VARIABLE, CONFIGURATION = "UNMOOR_LAUNCHER", "UNMOOR_LAUNCHER_CONFIG"
PROCESS = "process"
# To be started, and to pack up what a run left, beside the time that is the harness's own.
MARGIN_S = 1800
Told = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class LauncherSpec:
    """What a launcher must be told by its configuration, and how it is made of that and of a run's own variables. Where
    its platform gives a gateway no processor between requests, `works_unasked` is false."""

    needed: Sequence[str]
    made: Callable[[Told, Mapping[str, str]], Platform]
    works_unasked: bool = True


SERVICE = LauncherSpec(needed=("url",), made=lambda told, extra: launcher_service(told["url"]))
PLATFORMS: Mapping[str, LauncherSpec] = {
    "service": SERVICE,
    "docker": SERVICE,  # its name in agents that are deployed already
    "ecs": LauncherSpec(needed=ecs.NEEDED, made=lambda told, extra: ecs.ecs(told)),
    "container-apps": LauncherSpec(needed=container_apps.NEEDED, made=container_apps.container_apps),
    "cloud-run": LauncherSpec(needed=cloud_run.NEEDED, made=cloud_run.cloud_run, works_unasked=False),
}


def read_launcher_config(environment: Mapping[str, str]) -> tuple[str, Told]:
    """The launcher's name and configuration; ConfigurationFault for one that there is not, or that is not whole."""
    name = environment.get(VARIABLE, "") or PROCESS
    if name == PROCESS:
        return name, {}
    if name not in PLATFORMS:
        has = ", ".join((PROCESS, *PLATFORMS))
        raise ConfigurationError(f"{VARIABLE}: there is no launcher {name!r}; there are: {has}")
    told = _told(environment.get(CONFIGURATION, ""))
    missing = [key for key in PLATFORMS[name].needed if not told.get(key)]
    if missing:
        raise ConfigurationError(f"{CONFIGURATION}: {', '.join(missing)} is missing for {name}; the target sets it")
    return name, told


def build_launcher(
    choice: tuple[str, Told], agent: AgentConfig, *, environment: Mapping[str, str], extra: Mapping[str, str], log: Log
) -> Launcher:
    """The launcher; `environment` is a runner's, where runners are processes of this container, and `extra` what runs
    elsewhere are given beside what their definition says."""
    name, told = choice
    if name == PROCESS:
        return ProcessLauncher(environment=environment)
    longest = agent.run.timeout_s * (agent.run.retries + 1) + MARGIN_S
    return PlatformLauncher(platform=PLATFORMS[name].made(told, extra), log=log, longest_s=longest)


def has_cpu_between_requests(choice: tuple[str, Told]) -> bool:
    """Whether the gateway has a processor between requests as well."""
    return choice[0] == PROCESS or PLATFORMS[choice[0]].works_unasked


def _told(text: str) -> Told:
    try:
        values = json.loads(text) if text else {}
    except ValueError:
        raise ConfigurationError(f"{CONFIGURATION} is no JSON; the target sets it") from None
    if not isinstance(values, dict):
        raise ConfigurationError(f"{CONFIGURATION} is no JSON object; the target sets it")
    return values
