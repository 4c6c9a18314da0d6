"""What the runtime raises on purpose.

RuntimeFault             base; its text is fit for a log as it is
├── InfrastructureFault  the platform's or the network's doing: such a run may be tried again
├── WorkspaceFault       the workspace could not be made as the spec says; trying again would not help
└── ConfigurationFault   the container was not given what it needs
"""

from __future__ import annotations

from unmoor.errors import UnmoorError


class UnmoorRuntimeError(UnmoorError):
    """Base of every fault of the runtime's."""


class TransientError(UnmoorRuntimeError):
    """The platform, the store or the network failed; nothing that the agent did."""


class WorkspaceError(UnmoorRuntimeError):
    """The workspace could not be made as the spec says."""


class ConfigurationError(UnmoorRuntimeError):
    """A variable, secret or program that the container needs is not there."""

    exit_code = 2
