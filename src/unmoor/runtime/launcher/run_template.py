"""What every run's container is made of: decided by whoever deployed the agent, and by no one who asks for a run."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field
from typing import Any

from unmoor.runtime.errors import ConfigurationError
from unmoor.runtime.state import keys

VARIABLE = "UNMOOR_RUN_TEMPLATE"
# The label by which a container is known to be a run's, and whose launcher's it is.
RUN, LAUNCHER = "unmoor.run", "unmoor.launcher"


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A container in the words of Docker's API, without name and run; how its name begins; how many may be there at one
    time; the room that a workspace has, 0 where it is not measured; and the labels of the gateways for which runs are
    started, none where somebody else takes down what is left of them."""

    container: dict[str, Any] = field(repr=False)
    prefix: str
    most: int
    disk_mib: int = 0
    gateways: tuple[str, ...] = ()

    def name(self, run: str) -> str:
        """The name of a run's container, by which there is one at a time."""
        return f"{self.prefix}-{run}"

    def container_for(self, run: str) -> dict[str, Any]:
        """The container of a run."""
        assert keys.RUN_ID.fullmatch(run), "ids are checked where they come in"
        made = copy.deepcopy(self.container)
        made["Cmd"] = [*made["Cmd"], run]
        made["Labels"] = {**made.get("Labels", {}), RUN: run, LAUNCHER: self.prefix}
        return made


def parse_template(text: str) -> Template:
    """The template that a variable holds; ConfigurationFault for anything else."""
    if not text:
        raise ConfigurationError(f"{VARIABLE} is not set; the container is given it by the target")
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
