"""What a user may set for a machine with Docker alone."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator

from unmoor.spec.models import DOMAIN, Dollars
from unmoor.target import Settings

from .machines import MACHINES

DockerHost = Annotated[
    str, StringConstraints(pattern=r"^(local|unix:///[^\s]+|ssh://([A-Za-z0-9._-]+@)?[A-Za-z0-9.:\[\]-]+(:\d{1,5})?)$")
]


class DockerSettings(Settings):
    """Settings of `targets.vm-docker`; an existing secret is placed by the absolute path of its file on the machine."""

    host: DockerHost = Field(description="The machine: `local`, `ssh://user@host[:port]`, or `unix:///path/to/socket`.")
    ssh_opts: list[str] = Field([], description="Options of the ssh client, such as [-i, ~/.ssh/deploy].")
    hostname: Annotated[str, StringConstraints(max_length=253, pattern=DOMAIN)] | None = Field(
        None, description="The machine's public name, served where network.domain is not set."
    )
    proxy: Literal["caddy", "none"] = Field(
        "caddy",
        description="caddy takes ports 80 and 443; none publishes the gateway on loopback for a proxy of yours.",
    )
    port: Annotated[int, Field(ge=1, le=65535)] | None = Field(
        None, description="The loopback port without a public name; without it one made from agent and environment."
    )
    caddy_image: str = Field("docker.io/library/caddy:2.10-alpine", description="The image of the proxy.")
    machine: str | None = Field(
        None,
        description="What the machine is, such as t3.large or e2-standard-4, for what `compare` says that it costs; "
        "without it the cheapest of its table that the agent fits on is reckoned with.",
    )
    machine_usd_month: Dollars | None = Field(
        None, description="What the machine costs a month with all that belongs to it, where that is known better."
    )

    @field_validator("machine")
    @classmethod
    def _is_known(cls, value: str | None) -> str | None:
        if value is not None and value not in MACHINES:
            raise ValueError(f"{value!r} is no machine of the table; write one of {', '.join(MACHINES)}")
        return value
