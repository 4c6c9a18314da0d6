"""An agent's stack in Pulumi's Automation API: opening it, reading its state, and its config."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pulumi import automation

from unmoor.errors import UnmoorError
from unmoor.stacks.deployed_paths import deployed_paths
from unmoor.stacks.failures import Failure, pending_operations_text, to_deploy_error
from unmoor.stacks.passphrase import passphrase_environment
from unmoor.stacks.pulumi_cli import PulumiCli
from unmoor.stacks.retention import has_gateway
from unmoor.stacks.stack_location import StackLocation
from unmoor.stacks.stack_outputs import kept_config, stack_outputs
from unmoor.target import Outputs


@dataclass(kw_only=True)
class StackWorkspace:
    """An agent's stack. `program` creates its resources, given `deployed_paths` and `deployed_config` of the state; a
    stack without one can be read and destroyed.

    Every method raises UnmoorError if the engine fails; an error of the program itself is raised unchanged.
    """

    place: StackLocation
    program: Callable[..., object] | None = None
    secrets_provider: str = ""

    def __post_init__(self) -> None:
        self.cli = PulumiCli()
        self._program_error: UnmoorError | None = None
        self._opened: automation.Stack | None = None
        self._deployed_paths: Mapping[str, str] = {}
        self._deployed_config: Mapping[str, str] = {}

    def stack(self) -> automation.Stack:
        """The opened stack; it is created if it does not exist."""
        if self._opened is None:
            with self.translated_errors():
                self._opened = self._open(automation.create_or_select_stack)
        return self._opened

    def exists(self) -> bool:
        """Whether the stack exists, with or without resources."""
        if self._opened is None:
            with self.translated_errors(), suppress(automation.errors.StackNotFoundError):
                self._opened = self._open(automation.select_stack)
        return self._opened is not None

    def outputs(self) -> Outputs | None:
        """The deployed agent's outputs, secrets in plain text; None if nothing serves, such as after `down`."""
        if not self.exists():
            return None
        deployment = self.export("--show-secrets")  # one process; asking the SDK starts one for each value
        return stack_outputs(deployment) if has_gateway(self.place.project, deployment) else None

    def unlock(self) -> None:
        """Remove the lock of a command that is gone; UnmoorError if the stack is not locked."""
        stack = self.stack()
        with self.translated_errors():
            stack.cancel()

    def deployment(self) -> Mapping[str, Any]:
        """The state with its pending operations; secrets stay encrypted."""
        self.stack()
        return self.export()

    def pending_operations(self) -> str:
        """One line about the operations that a killed command left pending; empty if the state has none."""
        pending = self.deployment().get("pending_operations") or () if self.exists() else ()
        return pending_operations_text([str(operation["resource"]["urn"]) for operation in pending])

    def read_state(self) -> Mapping[str, Any]:
        """The state with decrypted secrets; the program's next run declares the local paths in it, and takes the
        secrets from it that this machine's config does not have."""
        self.stack()
        state = self.export("--show-secrets")
        self._deployed_paths, self._deployed_config = deployed_paths(state), kept_config(state)
        return state

    def config_keys(self) -> frozenset[str]:
        """The keys of the stack's config here, without the project's prefix, and of the one that was deployed last;
        empty if the stack does not exist."""
        if not self.exists():
            return frozenset()
        with self.translated_errors():
            here = self.stack().get_all_config()
        return frozenset(key.partition(":")[2] for key in here) | kept_config(self.export("--show-secrets")).keys()

    def set_secret(self, key: str, value: str) -> None:
        """Set a secret of the stack's config through the engine's standard input; create the stack if needed."""
        self.stack()
        self._command(["config", "set", "--secret", f"unmoor:{key}", "--stack", self.place.stack], stdin=value)

    def export(self, *options: str) -> Mapping[str, Any]:
        """The stack's state as `pulumi stack export` prints it."""
        found = self._command(["stack", "export", *options, "--stack", self.place.stack])
        return json.loads(found).get("deployment") or {}

    @contextmanager
    def translated_errors(self, failure: Failure | None = None) -> Iterator[None]:
        """Raise the program's own error, or a DeployError with the reason, in place of the SDK's error."""
        self._program_error = None
        try:
            yield
        except automation.errors.CommandError as error:
            found = self._program_error or to_deploy_error(str(error), failure or Failure(place=self.place))
            raise found from None

    def _open(self, open_stack: Callable[..., automation.Stack]) -> automation.Stack:
        stack = open_stack(
            self.place.stack,
            project_name=self.place.project,
            program=self._run_program,
            opts=self._options(),
        )
        _skip_unused_queries(stack)
        self._adopt_salt(stack)
        return stack

    def _adopt_salt(self, stack: automation.Stack) -> None:
        """Give this machine's settings the salt of the state if they have none.

        Without it the engine makes one of whatever passphrase is set, and would refuse the right one from then on.
        """
        settings = stack.workspace.stack_settings(stack.name) if self._has_settings() else automation.StackSettings()
        if self.secrets_provider not in ("", "passphrase") or settings.encryption_salt:
            return
        state = self.export().get("secrets_providers") or {}
        if state.get("type") == "passphrase":
            settings.encryption_salt = state["state"]["salt"]
            stack.workspace.save_stack_settings(stack.name, settings)

    def _has_settings(self) -> bool:
        return (self.place.folder / f"Pulumi.{self.place.stack}.yaml").exists()

    def _options(self) -> automation.LocalWorkspaceOptions:
        folder = self.place.folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self.place.is_default_backend:
            Path(self.place.backend.removeprefix("file://")).mkdir(parents=True, exist_ok=True, mode=0o700)
        return automation.LocalWorkspaceOptions(
            work_dir=str(folder),
            env_vars=self._environment(),
            secrets_provider=self.secrets_provider or None,
            pulumi_command=self.cli,
            project_settings=automation.ProjectSettings(
                name=self.place.project, runtime="python", main=os.getcwd(), backend=None
            ),
        )

    def _environment(self) -> dict[str, str]:
        return {
            "PULUMI_BACKEND_URL": self.place.backend,
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            **passphrase_environment(self.place, os.environ, secrets_provider=self.secrets_provider),
        }

    def _run_program(self) -> None:
        """Run the program and remember its error, which the engine would turn into text with a traceback."""
        assert self.program is not None, "only a stack with a program can be brought up"
        try:
            self.program(deployed_paths=self._deployed_paths, deployed_config=self._deployed_config)
        except UnmoorError as error:
            self._program_error = error
            raise

    def _command(self, arguments: list[str], *, stdin: str | None = None) -> str:
        with self.translated_errors():
            return self.cli.run(arguments, str(self.place.folder), self._environment(), stdin=stdin).stdout


def outputs_of(place: StackLocation) -> Outputs:
    """The outputs of the agent deployed there, secrets in plain text; UnmoorError if nothing is deployed."""
    provider = os.environ.get("UNMOOR_SECRETS_PROVIDER", "")
    if (found := StackWorkspace(place=place, secrets_provider=provider).outputs()) is None:
        rule = f"{place.project}: nothing is deployed as {place.stack} in {place.backend}"
        raise UnmoorError(f"{rule}; run unmoor up, or choose another -e, -t or --backend")
    return found


def _skip_unused_queries(stack: automation.Stack) -> None:
    """Replace the SDK's queries for outputs and history after each operation.

    Each starts a process and none of the answers is used: `export` reads what is needed once.
    """
    setattr(stack, "outputs", dict)  # noqa: B010  # replaces a method on one object
    setattr(stack, "info", lambda show_secrets=True: "")  # noqa: B010
