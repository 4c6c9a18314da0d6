"""The runtime's errors; their texts hold no secret.

UnmoorRuntimeError       base
├── TransientError       the platform, the store or the network failed: the run may be retried
├── WorkspaceError       the workspace cannot be created as the spec says: a retry would not help
└── ConfigurationError   the container's configuration is incomplete or invalid
"""

from __future__ import annotations

from unmoor.errors import UnmoorError


class UnmoorRuntimeError(UnmoorError):
    """Base of the runtime's errors."""


class TransientError(UnmoorRuntimeError):
    """The platform, the store or the network failed, not the agent."""


class WorkspaceError(UnmoorRuntimeError):
    """The workspace cannot be created as the spec says."""


class ConfigurationError(UnmoorRuntimeError):
    """A variable, secret or program that the container needs is missing or invalid."""

    exit_code = 2
