"""Where the state of a deployed agent is kept: a project, a stack and a backend, by names that never change."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from unmoor.errors import UnmoorError
from unmoor.local_folders import data_folder
from unmoor.spec.load import DEFAULT_ENVIRONMENT

# https://www.pulumi.com/docs/iac/concepts/state-and-backends/
SCHEMES = ("file://", "s3://", "gs://", "azblob://", "postgres://", "https://", "http://")


@dataclass(frozen=True, slots=True, kw_only=True)
class StackLocation:
    """One stack: `project` is the agent, `stack` is `<environment>.<target>`, `backend` any URL that Pulumi takes."""

    project: str
    stack: str
    backend: str

    @property
    def folder(self) -> Path:
        """This machine's folder for the stack: its settings, and what the last command left; it need not exist yet."""
        return data_folder() / "stacks" / self.project / self.stack

    @property
    def target(self) -> str:
        """The name of the stack's target."""
        return self.stack.rpartition(".")[2]

    @property
    def is_default_backend(self) -> bool:
        """Whether the state is where unmoor keeps it unless it is told otherwise."""
        return self.backend == own_backend()


def stack_location(agent: str, environment: str | None, target: str, *, backend: str = "") -> StackLocation:
    """The place of an agent in an environment on a target.

    The backend is the one given, else `PULUMI_BACKEND_URL`, else a folder of this user's; UnmoorError if it is no URL
    that Pulumi knows.
    """
    found = backend or os.environ.get("PULUMI_BACKEND_URL", "") or own_backend()
    if not found.startswith(SCHEMES):
        rule = f"backend {found}: it is no URL that Pulumi knows"
        raise UnmoorError(f"{rule}; begin it with one of {', '.join(SCHEMES)}")
    return StackLocation(project=agent, stack=f"{environment or DEFAULT_ENVIRONMENT}.{target}", backend=found)


def own_backend() -> str:
    """The file state in the user's data folder."""
    return (data_folder() / "state").as_uri()
