"""A spec that names what its runs could not reach is refused."""

from __future__ import annotations

from typing import Any

import pytest

from unmoor.spec.egress_rules import unreachable_hosts
from unmoor.spec.models import Spec

MODEL: dict[str, Any] = {"provider": "anthropic", "name": "m", "api_key": "k"}


def found(base: dict[str, Any], egress: Any, *, repo: str = "", mcp: str = "") -> list[str]:
    parts = {
        "context": {"repos": [{"url": repo}] if repo else []},
        "tools": {"mcp_servers": {"linear": {"url": mcp}} if mcp else {}},
        "network": {} if egress is None else {"egress": egress},
    }
    spec = Spec.model_validate({**base, **parts})
    return [f"{'.'.join(map(str, path))}: {rule}; {remedy}" for path, rule, remedy in unreachable_hosts(spec)]


@pytest.mark.parametrize(
    ("egress", "repo", "problem"),
    [
        (["github.com"], "https://github.com/o/r", ""),
        (["*.example.com"], "https://git.example.com/o/r", ""),
        ("any", "https://anywhere.example.org/o/r", ""),
        (["GitHub.com".lower()], "https://GITHUB.com/o/r", ""),
        (None, "https://github.com/o/r", "github.com is not in network.egress, so a run cannot reach it; add it"),
        (
            ["*.github.com"],
            "https://github.com/o/r",
            "github.com is not in network.egress, so a run cannot reach it; add it",
        ),
        (["github.com"], "https://github.com:8443/o/r", "a run can only reach port 443; use that port"),
        (
            "any",
            "https://192.0.2.7/o/r",
            "192.0.2.7 is not a full host name, so a run cannot reach it; write a full host name",
        ),
    ],
)
def test_a_repository(base_spec: dict[str, Any], egress: Any, repo: str, problem: str) -> None:
    assert found(base_spec, egress, repo=repo) == ([f"context.repos.0.url: {problem}"] if problem else [])


@pytest.mark.parametrize(
    ("mcp", "problem"),
    [
        ("https://mcp.linear.app/mcp", ""),
        ("http://mcp.linear.app/mcp", "a run can only use TLS; write https://"),
        (
            "https://mcp.example.org/",
            "mcp.example.org is not in network.egress, so a run cannot reach it; add it",
        ),
    ],
)
def test_an_mcp_server(base_spec: dict[str, Any], mcp: str, problem: str) -> None:
    wanted = [f"tools.mcp_servers.linear.url: {problem}"] if problem else []
    assert found(base_spec, ["mcp.linear.app"], mcp=mcp) == wanted
