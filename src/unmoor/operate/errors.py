"""What goes wrong between this machine and an agent that is deployed.

OperateError       base, exit 1; its text says where, what, and what to do
├── Unreachable    nothing answers, or what answers is no gateway
├── NotBelieved    the gateway does not take the token
├── NoSuchRun      the agent has no run of that id
└── Refused        the gateway answered with a refusal: its status and its own words
"""

from __future__ import annotations

from unmoor.errors import UnmoorError


class OperateError(UnmoorError):
    """Base of every fault of operating an agent."""


class AgentUnreachable(OperateError):
    """Nothing answers, or not as a gateway does."""


class Unauthorized(OperateError):
    """The gateway does not take the token."""


class NoSuchRun(OperateError):
    """The agent has no run of that id."""


class RejectedByGateway(OperateError):
    """What the gateway says it does not do."""

    def __init__(self, text: str, *, status: int) -> None:
        super().__init__(text)
        self.status = status


def first_sentence(text: str, most: int = 300) -> str:
    """What a library says in the first line of its error, without what it advises after it."""
    line = " ".join(text.strip().partition("\n")[0].split())
    return line.partition(". ")[0].rstrip(".")[:most]
