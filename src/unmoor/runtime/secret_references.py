"""Which part of the agent holds which secret, and MCP servers with their secrets filled in."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from .config import AgentConfig, McpServer

SECRET_REFERENCE = re.compile(r"\$\{secret:([a-z][a-z0-9-]*)\}")


def secrets_by_holder(agent: AgentConfig) -> dict[str, frozenset[str]]:
    """The names of the secrets that the guard, a run and the gateway hold."""
    texts = [text for server in agent.mcp_servers for _, text in (*server.headers, *server.env)]
    return {
        "guard": frozenset({agent.model.api_key} if agent.model else ()),
        "run": frozenset(
            [repo.credential for repo in agent.repos if repo.credential]
            + [name for text in texts for name in SECRET_REFERENCE.findall(text)]
        ),
        "gateway": frozenset(
            [agent.gateway.token]
            + [webhook.verify.secret for webhook in agent.webhooks if webhook.verify]
            + [mailbox.password for mailbox in agent.mailboxes]
        ),
    }


def resolve_secret_references(servers: tuple[McpServer, ...], value: Callable[[str], str]) -> tuple[McpServer, ...]:
    """The servers with each `${secret:NAME}` replaced; `value` raises if this container does not hold that secret."""
    return tuple(replace(s, headers=_resolve(s.headers, value), env=_resolve(s.env, value)) for s in servers)


def _resolve(pairs: tuple[tuple[str, str], ...], value: Callable[[str], str]) -> tuple[tuple[str, str], ...]:
    return tuple((key, SECRET_REFERENCE.sub(lambda match: value(match[1]), text)) for key, text in pairs)
