"""Which part of the agent holds which secret, and MCP servers with their secrets filled in."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable

from .config import AgentConfig, McpServer

REFERENCE = re.compile(r"\$\{secret:([a-z][a-z0-9-]*)\}")


def secrets_by_holder(agent: AgentConfig) -> dict[str, frozenset[str]]:
    """The names of the secrets that the guard, a run and the gateway hold."""
    texts = [text for server in agent.mcp_servers for _, text in (*server.headers, *server.env)]
    return {
        "guard": frozenset({agent.model.api_key} if agent.model else ()),
        "run": frozenset(
            [repo.credential for repo in agent.repos if repo.credential]
            + [name for text in texts for name in REFERENCE.findall(text)]
        ),
        "gateway": frozenset(
            [agent.gateway_token]
            + [webhook.verify.secret for webhook in agent.webhooks if webhook.verify]
            + [mailbox.password for mailbox in agent.mailboxes]
        ),
    }


def resolve_secret_references(servers: tuple[McpServer, ...], value: Callable[[str], str]) -> tuple[McpServer, ...]:
    """The servers with `${secret:NAME}` replaced; `value` raises for a secret that this container does not hold."""
    return tuple(dataclasses.replace(s, headers=_filled(s.headers, value), env=_filled(s.env, value)) for s in servers)


def _filled(pairs: tuple[tuple[str, str], ...], value: Callable[[str], str]) -> tuple[tuple[str, str], ...]:
    return tuple((key, REFERENCE.sub(lambda match: value(match[1]), text)) for key, text in pairs)
