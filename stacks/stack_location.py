"""Where a deployed agent's state is stored: a project, a stack and a backend, with stable names."""

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
        """This machine's folder for the stack: its settings and the note about the last command; it may not exist."""
        return data_folder() / "stacks" / self.project / self.stack

    @property
    def target(self) -> str:
        """The name of the stack's target."""
        return self.stack.rpartition(".")[2]

    @property
    def is_default_backend(self) -> bool:
        """Whether the state is in the default backend."""
        return self.backend == own_backend()


def stack_location(agent: str, environment: str | None, target: str, *, backend: str = "") -> StackLocation:
    """The location of an agent's stack in an environment on a target.

    The backend is the given one, else `PULUMI_BACKEND_URL`, else a folder of this user; UnmoorError for a URL that
    Pulumi does not know.
    """
    found = backend or os.environ.get("PULUMI_BACKEND_URL", "") or own_backend()
    if not found.startswith(SCHEMES):
        rule = f"backend {found}: Pulumi does not know this kind of URL"
        raise UnmoorError(f"{rule}; start it with one of {', '.join(SCHEMES)}")
    return StackLocation(project=agent, stack=f"{environment or DEFAULT_ENVIRONMENT}.{target}", backend=found)


def own_backend() -> str:
    """The file state in the user's data folder."""
    return (data_folder() / "state").as_uri()
