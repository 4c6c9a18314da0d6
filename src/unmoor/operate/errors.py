"""Errors between this machine and a deployed agent.

OperateError           base, exit 1; the message names the address, the problem and the remedy
├── AgentUnreachable   nothing answers, or not a gateway
├── Unauthorized       the gateway rejects the token
├── NoSuchRun          the agent has no run with that ID
└── RejectedByGateway  the gateway answered with an error
"""

from __future__ import annotations

from unmoor.errors import UnmoorError


class OperateError(UnmoorError):
    """Base of every error of operating an agent."""


class AgentUnreachable(OperateError):
    """Nothing answers, or something that is not a gateway."""


class Unauthorized(OperateError):
    """The gateway rejects the token."""


class NoSuchRun(OperateError):
    """The agent has no run with that ID."""


class RejectedByGateway(OperateError):
    """The gateway answered with an error."""

    def __init__(self, text: str, *, status: int) -> None:
        super().__init__(text)
        self.status = status


def first_sentence(text: str, most: int = 300) -> str:
    """The first sentence of a library's error message."""
    line = " ".join(text.strip().partition("\n")[0].split())
    return line.partition(". ")[0].rstrip(".")[:most]
