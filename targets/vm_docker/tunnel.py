"""A tunnel to a gateway on a machine's loopback."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from urllib.parse import urlsplit

from .doctor import host_of
from .settings import DockerSettings


def open_tunnel(url: str, settings: DockerSettings) -> AbstractContextManager[str]:
    """The URL itself, or for a remote machine's loopback one that is forwarded by ssh."""
    parts = urlsplit(url)
    if parts.hostname != "127.0.0.1" or not host_of(settings).is_remote:
        return nullcontext(url)
    return host_of(settings).port_forward(parts.port or 80)
