"""Chooses the launcher by UNMOOR_LAUNCHER and UNMOOR_LAUNCHER_CONFIG, which the target sets."""

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
# Time for the start and for storing results, beside the harness's own.
MARGIN_S = 1800
Config = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class LauncherSpec:
    """The required configuration of a launcher, and how to build its platform from that and a run's extra variables.

    `has_idle_cpu` is false where the platform gives a gateway no CPU between requests.
    """

    required: Sequence[str]
    build: Callable[[Config, Mapping[str, str]], Platform]
    has_idle_cpu: bool = True


SERVICE = LauncherSpec(required=("url",), build=lambda config, extra: launcher_service(config["url"]))
PLATFORMS: Mapping[str, LauncherSpec] = {
    "service": SERVICE,
    "docker": SERVICE,  # its name in agents that are deployed already
    "ecs": LauncherSpec(required=ecs.NEEDED, build=lambda config, extra: ecs.ecs(config)),
    "container-apps": LauncherSpec(required=container_apps.NEEDED, build=container_apps.container_apps),
    "cloud-run": LauncherSpec(required=cloud_run.NEEDED, build=cloud_run.cloud_run, has_idle_cpu=False),
}


def read_launcher_config(environment: Mapping[str, str]) -> tuple[str, Config]:
    """The launcher's name and configuration; ConfigurationError where either is unknown or incomplete."""
    name = environment.get(VARIABLE, "") or PROCESS
    if name == PROCESS:
        return name, {}
    if name not in PLATFORMS:
        known = ", ".join((PROCESS, *PLATFORMS))
        raise ConfigurationError(f"{VARIABLE}: unknown launcher {name!r}; known: {known}")
    config = _parse_config(environment.get(CONFIGURATION, ""))
    missing = [key for key in PLATFORMS[name].required if not config.get(key)]
    if missing:
        raise ConfigurationError(f"{CONFIGURATION}: {name} requires {', '.join(missing)}; the target sets it")
    return name, config


def build_launcher(
    choice: tuple[str, Config],
    agent: AgentConfig,
    *,
    environment: Mapping[str, str],
    extra: Mapping[str, str],
    log: Log,
) -> Launcher:
    """The launcher. `environment` is that of runners that are processes; `extra` are additional variables of others."""
    name, config = choice
    if name == PROCESS:
        return ProcessLauncher(environment=environment)
    longest = agent.run.timeout_s * (agent.run.retries + 1) + MARGIN_S
    return PlatformLauncher(platform=PLATFORMS[name].build(config, extra), log=log, longest_s=longest)


def has_cpu_between_requests(choice: tuple[str, Config]) -> bool:
    return choice[0] == PROCESS or PLATFORMS[choice[0]].has_idle_cpu


def _parse_config(text: str) -> Config:
    try:
        values = json.loads(text) if text else {}
    except ValueError:
        raise ConfigurationError(f"{CONFIGURATION} is not JSON; the target sets it") from None
    if not isinstance(values, dict):
        raise ConfigurationError(f"{CONFIGURATION} is not a JSON object; the target sets it")
    return values
