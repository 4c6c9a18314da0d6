"""The store: a volume for each prefix, so that a container mounts only its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi_docker as docker

from unmoor.container import STORE_DIR

from .context import Context, label_list
from .names import PREFIXES, name

URL = f"file://{STORE_DIR}"
# "rw" may write and delete, "ro" may read.
GATEWAY = {"bundles": "ro", "deliveries": "rw", "queue": "rw", "runs": "rw", "sessions": "rw"}
# A run lists the queue to wake the gateway; the gateway fires schedules itself.
RUN = {"bundles": "ro", "queue": "ro", "runs": "rw", "sessions": "rw"}
GUARD = {"budget": "rw", "bundles": "ro"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    volumes: Mapping[str, docker.Volume]


def store(context: Context) -> Store:
    """The volumes; retained on deletion unless destroy_data is set."""
    return Store(volumes={prefix: _volume(context, prefix) for prefix in PREFIXES})


def mounts(store: Store, access: Mapping[str, str]) -> list[docker.ContainerMountArgsDict]:
    """The mounts of a container, sorted by prefix."""
    return [
        {
            "type": "volume",
            "source": store.volumes[prefix].name,
            "target": f"{STORE_DIR}/{prefix}",
            "read_only": how == "ro",
        }
        for prefix, how in sorted(access.items())
    ]


def _volume(context: Context, prefix: str) -> docker.Volume:
    return docker.Volume(
        context.logical(f"store-{prefix}"),
        name=name(context.plan, f"store-{prefix}"),
        labels=label_list(context.lasting),
        opts=context.kept,
    )
