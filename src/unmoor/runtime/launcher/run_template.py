"""The template of every run's container, set at deployment; callers of the launcher cannot change it."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field
from typing import Any

from unmoor.runtime.errors import ConfigurationError
from unmoor.runtime.state import keys

VARIABLE = "UNMOOR_RUN_TEMPLATE"
# The labels of a run's container: the run, and its launcher.
RUN, LAUNCHER = "unmoor.run", "unmoor.launcher"


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A container for Docker's API without name and run, and the limits of its runs.

    `prefix` starts each name, `most` is the limit of active runs, `disk_mib` that of a workspace (0: none). `gateways`
    are labels of the agent's gateways, empty where something else removes left-over containers.
    """

    container: dict[str, Any] = field(repr=False)
    prefix: str
    most: int
    disk_mib: int = 0
    gateways: tuple[str, ...] = ()

    def name(self, run: str) -> str:
        """The name of a run's container, which makes it unique."""
        return f"{self.prefix}-{run}"

    def container_for(self, run: str) -> dict[str, Any]:
        """The container of this run."""
        assert keys.RUN_ID.fullmatch(run), "the API checks ids"
        container = copy.deepcopy(self.container)
        container["Cmd"] = [*container["Cmd"], run]
        container["Labels"] = {**container.get("Labels", {}), RUN: run, LAUNCHER: self.prefix}
        return container


def parse_template(text: str) -> Template:
    """Parses the template; ConfigurationError where it is invalid."""
    if not text:
        raise ConfigurationError(f"{VARIABLE} is not set; the target sets it")
    try:
        values = json.loads(text)
        return Template(
            container={**values["container"], "Cmd": list(values["container"]["Cmd"])},
            prefix=str(values["name_prefix"]),
            disk_mib=int(values["disk_mib"]),
            most=int(values["most"]),
            gateways=tuple(values.get("gateways", ())),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{VARIABLE}: {type(error).__name__}: {error}; the target sets it") from None
