"""The settings of the target vm-docker."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator

from unmoor.spec.models import DOMAIN, Dollars
from unmoor.target import Settings

from .machines import MACHINES

DockerHost = Annotated[
    str,
    StringConstraints(pattern=r"^(local|unix:///[^\s]+|ssh://([A-Za-z0-9._+-]+@)?[A-Za-z0-9._:\[\]-]+(:\d{1,5})?)$"),
]


class DockerSettings(Settings):
    """Settings of `targets.vm-docker`. An existing secret is named by its file's absolute path on the machine."""

    host: DockerHost = Field(description="The machine: `local`, `ssh://user@host[:port]`, or `unix:///path/to/socket`.")
    ssh_opts: list[str] = Field([], description="Options of the ssh client, such as [-i, ~/.ssh/deploy].")
    hostname: Annotated[str, StringConstraints(max_length=253, pattern=DOMAIN)] | None = Field(
        None, description="The machine's public name, used if network.domain is not set."
    )
    proxy: Literal["caddy", "none"] = Field(
        "caddy",
        description="`caddy` listens on ports 80 and 443. `none` publishes the gateway on loopback for your own proxy.",
    )
    port: Annotated[int, Field(ge=1, le=65535)] | None = Field(
        None,
        description="The loopback port if the machine has no public name. Default: derived from agent and environment.",
    )
    caddy_image: str = Field("docker.io/library/caddy:2.10-alpine", description="The proxy's image.")
    machine: str | None = Field(
        None,
        description="The machine type, such as t3.large or e2-standard-4, whose price `compare` uses. Default: the "
        "cheapest known type that the agent fits on.",
    )
    machine_usd_month: Dollars | None = Field(
        None, description="The machine's real price for a month, everything included."
    )

    @field_validator("machine")
    @classmethod
    def _is_known(cls, value: str | None) -> str | None:
        if value is not None and value not in MACHINES:
            raise ValueError(f"{value!r} is not a known machine; write one of {', '.join(MACHINES)}")
        return value
