"""Hosts that a run needs must be on its egress allowlist."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from unmoor.runtime.host_names import host_name, matches_any

from .models import Spec
from .yaml_positions import Path

# The guard allows only TLS on its default port.
PORT = 443


def unreachable_hosts(spec: Spec) -> Iterator[tuple[Path, str, str]]:
    """A finding for every repository and MCP server that a run could not reach."""
    for path, url in _addresses(spec):
        parts = urlsplit(url)
        host = host_name(parts.hostname or "")
        if parts.scheme != "https":
            yield path, "a run can only use TLS", "write https://"
        elif host is None:
            yield path, f"{parts.hostname} is not a full host name, so a run cannot reach it", "write a full host name"
        elif (_port(parts.netloc) or PORT) != PORT:
            yield path, f"a run can only reach port {PORT}", "use that port"
        elif isinstance(spec.network.egress, list | None) and not matches_any(spec.network.egress or (), host):
            yield path, f"{host} is not in network.egress, so a run cannot reach it", "add it"


def _addresses(spec: Spec) -> Iterator[tuple[Path, str]]:
    for number, repo in enumerate(spec.context.repos):
        yield ("context", "repos", number, "url"), repo.url
    for name, server in spec.tools.mcp_servers.items():
        if server.url:
            yield ("tools", "mcp_servers", name, "url"), server.url


def _port(place: str) -> int | None:
    text = place.rpartition("@")[2].rpartition("]")[2].partition(":")[2]
    return int(text) if text.isdigit() else None
